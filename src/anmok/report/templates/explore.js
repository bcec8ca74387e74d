// Finding classes by name, and the map: pointing at pictures, keys, layouts, colours. The page stands without it.
(function () {
  function find(field) {
    var wanted = field.value.trim().normalize("NFC").toLowerCase();
    document.querySelectorAll('[data-found="' + field.dataset.find + '"]').forEach(function (list) {
      var any = false;
      list.querySelectorAll("[data-name]").forEach(function (item) {
        item.hidden = wanted !== "" && item.dataset.name.toLowerCase().indexOf(wanted) < 0;
        any = any || !item.hidden;
      });
      var folded = list.parentElement;
      if (wanted && any && folded.tagName === "DETAILS") { folded.open = true; }
    });
  }
  document.querySelectorAll("[data-find]").forEach(function (field) {
    field.closest(".find").hidden = false;
    field.addEventListener("input", function () { find(field); });
  });

  var block = document.getElementById("map-data");
  if (!block) { return; }
  var data = JSON.parse(block.textContent);
  var mapped = document.querySelector(".mapped"), plane = mapped.querySelector(".plane");
  var svg = plane.querySelector(".points"), card = plane.querySelector(".card");
  var circles = Array.prototype.slice.call(svg.querySelectorAll("circle:not(.chosen)"));
  var ring = svg.querySelector(".chosen"), canvas = card.querySelector("canvas");
  var sheet = document.getElementById("map-sheet");
  var places = mapped.dataset.near === "yes" ? data.near : data.components;
  var chosen = -1, picked = null;
  var TILE = 112, NEAR = 30;

  function isShown(number) {
    return !picked || (picked.kind === "class" ? data.labels : data.splits)[number] === picked.number;
  }
  // The picture whose point is nearest, none if it is farther than `most`.
  function nearest(x, y, most, allowed) {
    var best = -1, least = most * most;
    for (var i = 0; i < circles.length; i += 1) {
      var dx = places[2 * i] - x, dy = places[2 * i + 1] - y, distance = dx * dx + dy * dy;
      if (distance < least && isShown(i) && (!allowed || allowed(dx, dy))) { best = i; least = distance; }
    }
    return best;
  }
  function drawPicture(number) {
    canvas.hidden = !sheet;
    if (!sheet) { return; }
    var side = sheet.naturalWidth / data.columns, ratio = data.ratios[number];
    var width = Math.round(ratio >= 1 ? TILE : Math.max(8, TILE * ratio));
    var height = Math.round(ratio >= 1 ? Math.max(8, TILE / ratio) : TILE);
    canvas.width = 2 * width;
    canvas.height = 2 * height;
    canvas.style.width = width + "px";
    canvas.getContext("2d").drawImage(
      sheet, (number % data.columns) * side, Math.floor(number / data.columns) * side, side, side, 0, 0, 2 * width, 2 * height
    );
  }
  function choose(number) {
    if (number === chosen) { return; }
    chosen = number;
    card.hidden = number < 0;
    if (number < 0) {
      ring.setAttribute("cx", -99);
      return;
    }
    var x = places[2 * number], y = places[2 * number + 1];
    ring.setAttribute("cx", x);
    ring.setAttribute("cy", y);
    drawPicture(number);
    card.querySelector(".class").textContent = data.classNames[data.labels[number]];
    card.querySelector(".split").textContent = data.splitNames[data.splits[number]];
    card.querySelector(".path").textContent = data.paths[number];
    // On the side of the point where there is room.
    card.style.left = x < 500 ? (x + 32) / 10.24 + "%" : "auto";
    card.style.right = x < 500 ? "auto" : (1032 - x) / 10.24 + "%";
    card.style.top = y < 500 ? (y + 32) / 10.24 + "%" : "auto";
    card.style.bottom = y < 500 ? "auto" : (1032 - y) / 10.24 + "%";
  }
  function point(event) {
    var box = svg.getBoundingClientRect(), scale = 1024 / box.width;
    choose(nearest((event.clientX - box.left) * scale - 12, (event.clientY - box.top) * scale - 12, NEAR * Math.max(1, scale)));
  }
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  plane.addEventListener("pointerleave", function (event) { if (event.pointerType === "mouse") { choose(-1); } });
  plane.addEventListener("blur", function () { choose(-1); });
  plane.addEventListener("focus", function () {
    if (chosen < 0 && plane.matches(":focus-visible")) { choose(nearest(500, 500, 2000)); }
  });
  var DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  plane.addEventListener("keydown", function (event) {
    if (event.key === "Escape") { choose(-1); return; }
    var way = DIRECTIONS[event.key];
    if (!way) { return; }
    event.preventDefault();
    if (chosen < 0) { choose(nearest(500, 500, 2000)); return; }
    var next = nearest(places[2 * chosen], places[2 * chosen + 1], 2000, function (dx, dy) {
      var along = dx * way[0] + dy * way[1];
      return along > 0 && along >= Math.abs(dx * way[1] + dy * way[0]);
    });
    if (next >= 0) { choose(next); }
  });

  function press(buttons, pressed) {
    buttons.forEach(function (button) { button.setAttribute("aria-pressed", button === pressed ? "true" : "false"); });
  }
  var keys = mapped.querySelectorAll(".keys button");
  function pick(button) {
    var again = !button || button.getAttribute("aria-pressed") === "true";
    picked = again ? null : button.dataset.class !== undefined
      ? { kind: "class", number: Number(button.dataset.class) }
      : { kind: "split", number: Number(button.dataset.split) };
    press(keys, again ? null : button);
    mapped.classList.toggle("picked", !again);
    circles.forEach(function (circle, number) { circle.classList.toggle("on", !again && isShown(number)); });
    choose(-1);
  }
  keys.forEach(function (button) { button.addEventListener("click", function () { pick(button); }); });
  var layouts = mapped.querySelectorAll("[data-layout]"), colours = mapped.querySelectorAll("button[data-colour]");
  layouts.forEach(function (button) {
    button.addEventListener("click", function () {
      press(layouts, button);
      choose(-1);
      places = data[button.dataset.layout];
      circles.forEach(function (circle, number) {
        circle.setAttribute("cx", places[2 * number]);
        circle.setAttribute("cy", places[2 * number + 1]);
      });
    });
  });
  colours.forEach(function (button) {
    button.addEventListener("click", function () {
      press(colours, button);
      pick(null);
      mapped.dataset.colour = button.dataset.colour;
    });
  });
  mapped.querySelector(".controls").hidden = false;
})();
