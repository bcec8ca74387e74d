"use strict";
// Ticks, bulk ticks and the file that is saved from them. Rows of the page are the rows of findings.csv; what is saved
// has the very form that anmok/clean/findings_file.py writes. Nothing leaves the browser but that file.
(function () {
  var block = document.getElementById("review-data");
  if (!block) { return; }
  var data = JSON.parse(block.textContent), texts = data.texts, store = "anmok-review:" + data.key;
  var PATH = 0, CHECK = 1, CERTAINTY = 3, ACTION = 4, ACCEPT = 5, OTHER = 6, LABEL = 7, SUGGESTED = 8, REASON = 9;
  var PAGE = 200, bar = document.getElementById("bar");
  var original = data.rows.map(function (row) { return [row[ACTION], row[ACCEPT], row[SUGGESTED]]; });

  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, function (whole, key) { return key in values ? values[key] : whole; });
  }
  function number(count) { return count.toLocaleString("en-US"); }
  function all(selector, inside) { return Array.prototype.slice.call((inside || document).querySelectorAll(selector)); }
  function rowsOf(check) {
    var found = [];
    data.rows.forEach(function (row, place) { if (row[CHECK] === check && data.found[place]) { found.push(place); } });
    return found;
  }

  // What a person did survives a reload. Private windows and full disks refuse to store: the page then forgets.
  var edits = {};
  function key(row) { return [row[PATH], row[CHECK], row[OTHER]].join("\n"); }
  function load() {
    try { edits = JSON.parse(window.localStorage.getItem(store) || "{}") || {}; } catch (error) { edits = {}; }
    if (typeof edits !== "object" || Array.isArray(edits)) { edits = {}; }
    var known = 0;
    data.rows.forEach(function (row) {
      var edit = Object.prototype.hasOwnProperty.call(edits, key(row)) ? edits[key(row)] : null;
      if (!Array.isArray(edit) || edit.length !== 3 || !(edit[0] in data.actions)) { return; }
      if (["yes", "no", ""].indexOf(edit[1]) < 0 || typeof edit[2] !== "string") { return; }
      row[ACTION] = edit[0]; row[ACCEPT] = edit[1]; row[SUGGESTED] = edit[2];
      known += 1;
    });
    return known;
  }
  var waiting = 0;
  function remember(place) {
    var row = data.rows[place], was = original[place];
    var now = [row[ACTION], row[ACCEPT], row[SUGGESTED]];
    if (now.join("\n") === was.join("\n")) { delete edits[key(row)]; } else { edits[key(row)] = now; }
    window.clearTimeout(waiting);
    waiting = window.setTimeout(keep, 150);
  }
  function keep() {
    try { window.localStorage.setItem(store, JSON.stringify(edits)); } catch (error) { return; }
  }
  window.addEventListener("pagehide", function () { if (waiting) { keep(); } });

  function act(place, action) {
    var row = data.rows[place], was = original[place];
    row[ACTION] = action;
    // What a check suggests fits its own action: a group's name is no class.
    if (action === was[0]) { row[SUGGESTED] = was[2]; } else if (was[0] !== "review") { row[SUGGESTED] = ""; }
    remember(place);
  }
  function tick(place, on) {
    var row = data.rows[place];
    row[ACCEPT] = on ? "yes" : "no";
    // A check that only wants a look proposes nothing; a tick then means the plainest thing, visible and changeable.
    if (on && row[ACTION] === "review") { act(place, row[SUGGESTED] ? "relabel" : "remove"); }
    if (!on && original[place][0] === "review") { act(place, "review"); }
    remember(place);
  }
  function paint(element) {
    var row = data.rows[Number(element.dataset.row)], on = row[ACCEPT] === "yes";
    element.classList.toggle("ticked-row", on);
    element.dataset.do = row[ACTION];
    element.querySelector(".tick").checked = on;
    element.querySelector(".act").value = row[ACTION];
    var input = element.querySelector(".class");
    input.hidden = row[ACTION] !== "relabel";
    if (document.activeElement !== input) { input.value = row[SUGGESTED]; }
  }
  function paintAll() { all("[data-row]").forEach(paint); tell(); }

  function tell() {
    var done = {}, ticked = {}, total = 0, missing = 0;
    data.rows.forEach(function (row) {
      if (row[ACCEPT] !== "yes") { return; }
      total += 1;
      done[row[ACTION]] = (done[row[ACTION]] || 0) + 1;
      ticked[row[CHECK]] = (ticked[row[CHECK]] || 0) + 1;
      if (row[ACTION] === "relabel" && !row[SUGGESTED].trim()) { missing += 1; }
    });
    var parts = Object.keys(data.actions).filter(function (name) { return done[name]; }).map(function (name) {
      return fill(texts.part, { action: data.actions[name], count: number(done[name]) });
    });
    all(".ticked").forEach(function (cell) { cell.textContent = number(ticked[cell.dataset.check] || 0); });
    all(".tools").forEach(preview);
    if (!bar) { return; }
    bar.querySelector(".counts").textContent =
      total ? fill(texts.some, { count: number(total), parts: parts.join(" · ") }) : texts.none;
    var idle = done.review || 0, hint = bar.querySelector(".hint");
    hint.classList.toggle("warning", idle + missing > 0);
    hint.textContent = missing ? fill(texts.missing, { count: number(missing) })
      : idle ? fill(texts.idle, { count: number(idle) }) : total ? texts.unsaved : "";
  }
  function above(tools) {
    var least = Number(tools.querySelector("input").value) / 100;
    return rowsOf(tools.dataset.check).filter(function (place) { return Number(data.rows[place][CERTAINTY]) >= least; });
  }
  function preview(tools) {
    var range = tools.querySelector("input");
    tools.querySelector("output").textContent =
      fill(texts.certain, { percent: range.value }) + ": " + fill(texts.would, { count: number(above(tools).length) });
  }

  // Rows without pictures are made when they are asked for: thousands would slow the page down.
  function make(name, className, text) {
    var made = document.createElement(name);
    if (className) { made.className = className; }
    if (text !== undefined) { made.textContent = text; }
    return made;
  }
  function shown(text) { return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g, "\ufffd"); }
  function line(place) {
    var row = data.rows[place], tr = make("tr"), cells = [0, 1, 2, 3].map(function () { return tr.appendChild(make("td")); });
    tr.dataset.row = String(place);
    var box = cells[0].appendChild(make("input", "tick"));
    box.type = "checkbox";
    box.setAttribute("aria-label", fill(texts.tick, { path: shown(row[PATH]) }));
    cells[1].textContent = fill(texts.certain, { percent: (100 * Number(row[CERTAINTY])).toFixed(1) });
    cells[1].className = "n";
    var act = cells[2].appendChild(make("select", "act"));
    act.setAttribute("aria-label", fill(texts.what, { path: shown(row[PATH]) }));
    Object.keys(data.actions).forEach(function (name) {
      act.appendChild(make("option", "", data.actions[name])).value = name;
    });
    var input = cells[2].appendChild(make("input", "class"));
    input.setAttribute("list", "classes");
    input.setAttribute("aria-label", fill(texts["class"], { path: shown(row[PATH]) }));
    cells[3].appendChild(make("bdi", "path", shown(row[PATH])));
    cells[3].appendChild(make("div", "", shown(row[LABEL] ? row[LABEL] + " – " + row[REASON] : row[REASON])));
    paint(tr);
    return tr;
  }
  function open(details) {
    if (!details.open || details.querySelector("table")) { return; }
    var places = details.dataset.earlier
      ? data.rows.map(function (row, place) { return place; }).filter(function (place) { return !data.found[place]; })
      : rowsOf(details.dataset.check).slice(Number(details.dataset.from));
    var body = details.appendChild(make("table", "rows")).appendChild(make("tbody"));
    var more = details.appendChild(make("button", ""));
    more.type = "button";
    function show() {
      places.splice(0, PAGE).forEach(function (place) { body.appendChild(line(place)); });
      more.hidden = !places.length;
      more.textContent = fill(texts.more, { count: number(Math.min(PAGE, places.length)) });
    }
    more.addEventListener("click", show);
    show();
  }

  // The file: the same columns, guard and quotation marks as anmok writes.
  var GUARDED = /^(?:[=+\-@\t\r\n'＝＋－＠]|[ \t0-9.,:\/%e+\-]+$|(?:true|false)$)/i;
  var PLAIN = { 1: true, 2: true, 3: true, 4: true, 5: true };
  function cell(text, column) {
    var guarded = !PLAIN[column] && GUARDED.test(text) ? "'" + text : text;
    return /[",\r\n]/.test(guarded) ? '"' + guarded.replace(/"/g, '""') + '"' : guarded;
  }
  function file() {
    var lines = [data.columns.join(",")];
    data.rows.forEach(function (row) { lines.push(row.map(cell).join(",")); });
    return "\ufeff" + lines.join("\n") + "\n";
  }
  function save() {
    var link = make("a");
    link.href = URL.createObjectURL(new Blob([file()], { type: "text/csv;charset=utf-8" }));
    link.download = "findings.csv";
    document.body.appendChild(link);
    link.click();
    link.remove();
    window.setTimeout(function () { URL.revokeObjectURL(link.href); }, 60000);
    bar.querySelector(".hint").textContent = texts.saved;
  }

  document.addEventListener("change", function (event) {
    var element = event.target.closest("[data-row]"), tools = event.target.closest(".tools");
    if (element) {
      var place = Number(element.dataset.row), row = data.rows[place];
      if (event.target.classList.contains("tick")) { tick(place, event.target.checked); }
      if (event.target.classList.contains("act")) { act(place, event.target.value); }
      if (event.target.classList.contains("class")) { row[SUGGESTED] = event.target.value.normalize("NFC"); remember(place); }
      paint(element);
      tell();
    } else if (tools && event.target.classList.contains("act-all") && event.target.value) {
      rowsOf(tools.dataset.check).forEach(function (place) {
        if (data.rows[place][ACCEPT] === "yes") { act(place, event.target.value); }
      });
      event.target.value = "";
      paintAll();
    }
  });
  // Pictures that are worth marking: what is said of them becomes part of the command that looks again.
  function quoted(word) { return /^[\w\/.,:=@%+-]+$/.test(word) ? word : "'" + word.replace(/'/g, "'\"'\"'") + "'"; }
  document.addEventListener("change", function (event) {
    var section = event.target.closest(".ask") && event.target.closest("section");
    if (!section) { return; }
    var words = all(".ask", section).map(function (mark) {
      var chosen = mark.querySelector("input:checked");
      return chosen ? " " + chosen.value + " " + quoted(mark.dataset.path) : "";
    });
    var code = section.querySelector(".again");
    code.textContent = code.dataset.command + words.join("");
  });
  document.addEventListener("input", function (event) {
    if (event.target.type === "range") { preview(event.target.closest(".tools")); }
  });
  document.addEventListener("click", function (event) {
    var tools = event.target.closest(".tools");
    if (event.target.classList.contains("tick-all")) {
      above(tools).forEach(function (place) { if (data.rows[place][ACCEPT] !== "yes") { tick(place, true); } });
      paintAll();
    } else if (event.target.classList.contains("untick-all")) {
      rowsOf(tools.dataset.check).forEach(function (place) { if (data.rows[place][ACCEPT] === "yes") { tick(place, false); } });
      paintAll();
    }
  });
  all("details.rest").forEach(function (details) { details.addEventListener("toggle", function () { open(details); }); });
  all(".tools").forEach(function (tools) { tools.disabled = false; });
  var known = load();
  paintAll();
  if (bar) {
    document.getElementById("save").disabled = false;
    document.getElementById("save").addEventListener("click", save);
    document.getElementById("forget").addEventListener("click", function () {
      data.rows.forEach(function (row, place) {
        row[ACTION] = original[place][0]; row[ACCEPT] = original[place][1]; row[SUGGESTED] = original[place][2];
      });
      edits = {};
      keep();
      paintAll();
    });
    if (known) { bar.querySelector(".hint").textContent = texts.kept; }
  }
})();
