"use strict";
// Runs before anything is drawn, so that nothing flashes: the colours that the reader chose the last time.
(function () {
  try {
    var chosen = localStorage.getItem("anmok-colours");
    if (chosen === "light" || chosen === "dark") { document.documentElement.dataset.theme = chosen; }
  } catch (refused) {
    // A browser that keeps nothing follows the system.
  }
})();
