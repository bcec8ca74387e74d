"use strict";
// The page works without this. It lets tables be sorted by their headings, colours be chosen, and opens everything for
// printing.
(function () {
  function darkNow() {
    var chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  function colourSwitch(contents) {
    var button = document.createElement("button");
    button.type = "button";
    function name() { button.textContent = darkNow() ? contents.dataset.light : contents.dataset.dark; }
    button.addEventListener("click", function () {
      var wanted = darkNow() ? "light" : "dark";
      document.documentElement.dataset.theme = wanted;
      try { localStorage.setItem("anmok-colours", wanted); } catch (refused) { /* then it lasts for this page */ }
      name();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
    name();
    contents.appendChild(button);
  }
  document.querySelectorAll("nav.contents").forEach(colourSwitch);
  function key(row, column) {
    var cell = row.cells[column];
    return cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v);
  }
  function sort(table, column, down) {
    var body = table.tBodies[0];
    var rows = Array.prototype.slice.call(body.rows);
    rows.sort(function (a, b) {
      var x = key(a, column), y = key(b, column);
      var order = typeof x === "number" ? x - y : x.localeCompare(y, document.documentElement.lang, { numeric: true });
      return down ? -order : order;
    });
    rows.forEach(function (row) { body.appendChild(row); });
  }
  document.querySelectorAll("table.sortable").forEach(function (table) {
    var heads = Array.prototype.slice.call(table.tHead.rows[0].querySelectorAll("th"));
    heads.forEach(function (head) {
      var button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) { button.appendChild(head.firstChild); }
      head.appendChild(button);
      button.addEventListener("click", function () {
        var down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        sort(table, head.cellIndex, down);
      });
    });
  });
  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.prototype.slice.call(document.querySelectorAll("details:not([open]):not([data-screen-only])"));
    opened.forEach(function (part) { part.open = true; });
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (part) { part.open = false; });
  });
})();
