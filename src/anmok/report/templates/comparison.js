// What only the report of a comparison has; without it everything can still be read.
(function () {
  function element(kind, text) {
    var made = document.createElement(kind);
    if (text) { made.textContent = text; }
    return made;
  }

  // A field that leaves those rows of a long table, or items of a long list, that hold what is typed.
  function finder(long) {
    var items = Array.prototype.slice.call(long.tBodies ? long.tBodies[0].rows : long.children);
    var texts = items.map(function (item) { return (item.querySelector("th") || item).textContent.toLocaleLowerCase(); });
    var box = element("p"), label = element("label", long.dataset.find), field = element("input"), told = element("output");
    box.className = "finder";
    field.type = "search";
    label.appendChild(field);
    box.append(label, " ", told);
    field.addEventListener("input", function () {
      var wanted = field.value.trim().normalize("NFC").toLocaleLowerCase(), shown = 0;
      items.forEach(function (item, number) {
        var fits = texts[number].indexOf(wanted) >= 0;
        item.hidden = !fits;
        shown += fits ? 1 : 0;
      });
      told.textContent = wanted ? long.dataset.shown.replace("{shown}", shown).replace("{count}", items.length) : "";
    });
    var place = long.closest(".scroll") || long;
    place.parentNode.insertBefore(box, place);
  }
  document.querySelectorAll("[data-find]").forEach(finder);

  // Pictures of the lists of all mistakes come when a list is opened, each from one block of the page.
  var sources = null;
  function fill(list) {
    var block = document.getElementById("small-pictures");
    if (!block) { return; }
    sources = sources || JSON.parse(block.textContent);
    list.querySelectorAll("img[data-picture]:not([src])").forEach(function (img) {
      img.decoding = "async";
      img.src = "data:image/jpeg;base64," + sources[Number(img.dataset.picture)];
    });
  }
  document.querySelectorAll("details.all-mistakes").forEach(function (part) {
    part.addEventListener("toggle", function () { if (part.open) { fill(part); } });
  });

  // A matrix of many classes can be made larger, and says in words what is pointed at.
  function zoom(figure) {
    var drawing = figure.querySelector("svg"), bar = element("p"), said = element("span");
    var whole = parseFloat(drawing.style.maxWidth), size = 0;
    bar.className = "zoom";
    said.className = "said";
    function change(step) {
      size = Math.max(0, Math.min(4, size + step));
      drawing.style.width = size ? Math.round(whole * (1 + size * 0.6)) + "px" : "";
      drawing.style.maxWidth = size ? "none" : whole + "px";
      smaller.disabled = size === 0;
      larger.disabled = size === 4;
    }
    function button(text, step) {
      var made = element("button", text);
      made.type = "button";
      made.addEventListener("click", function () { change(step); });
      bar.appendChild(made);
      return made;
    }
    var larger = button(figure.dataset.larger, 1), smaller = button(figure.dataset.smaller, -1);
    change(0);
    bar.appendChild(said);
    function say(event) {
      var title = event.target.querySelector && event.target.querySelector("title");
      if (title && event.target !== drawing) { said.textContent = title.textContent; }
    }
    drawing.addEventListener("pointerover", say);
    drawing.addEventListener("click", say);
    figure.querySelector(".scroll").before(bar);
  }
  document.querySelectorAll("figure.zoomable").forEach(zoom);
})();
