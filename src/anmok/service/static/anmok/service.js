// The search bar: drop, paste, choose, take; sends at once; shows how far the upload is. Without this file the form works too.
"use strict";
(() => {
  const form = document.querySelector("form.search");
  if (!form) return;
  document.documentElement.classList.add("scripted");
  const [input, camera] = form.querySelectorAll("input[type=file]");
  const progress = form.querySelector("progress");
  const state = form.querySelector(".state");
  const answers = document.getElementById("answers");
  const words = form.dataset;

  const say = (text, again) => {
    const told = document.createElement("p");
    told.className = "refused";
    told.setAttribute("role", "alert");
    told.textContent = text;
    answers.replaceChildren(told);
    if (!again) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "again";
    button.textContent = words.again;
    button.addEventListener("click", () => form.requestSubmit());
    answers.append(button);
  };

  // The files alone: what the visitor ticked holds for the next photo, too.
  const clear = () => { input.value = ""; camera.value = ""; };
  // What is too much is said before it is sent: the service ends such a connection, and nobody would read why.
  const send = () => {
    const files = [...input.files, ...camera.files];
    if (!files.length) return;
    const refusal = files.length > Number(words.most) ? words.tooMany
      : files.some((file) => file.size > Number(words.mostPhoto)) ? words.tooLarge
      // A form is a little larger than its files.
      : files.reduce((sum, file) => sum + file.size + 1024, 4096) > Number(words.mostAll) ? words.tooLarge : "";
    if (refusal) { clear(); say(refusal); } else form.requestSubmit();
  };
  const take = (files) => {
    if (!files.length) { say(words.nothing); return; }
    camera.value = "";
    input.files = files;
    send();
  };
  input.addEventListener("change", () => { camera.value = ""; send(); });
  camera.addEventListener("change", () => { input.value = ""; send(); });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData && event.clipboardData.files.length) take(event.clipboardData.files);
  });
  // Anywhere on the page: who misses the bar by a little must not lose the page to the photo.
  document.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) form.classList.remove("over"); });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    take(event.dataTransfer.files);
  });

  form.addEventListener("htmx:beforeRequest", () => {
    progress.hidden = false;
    progress.value = 0;
    state.textContent = state.dataset.upload;
    form.classList.add("busy");
  });
  form.addEventListener("htmx:xhr:progress", (event) => {
    // Once all is sent, the bar waits without a figure: how long the answer takes, nobody knows.
    if (!event.detail.lengthComputable || event.detail.loaded >= event.detail.total) {
      progress.removeAttribute("value");
      state.textContent = state.dataset.looking;
    } else if (progress.hasAttribute("value")) progress.value = 100 * event.detail.loaded / event.detail.total;
  });
  form.addEventListener("htmx:afterRequest", (event) => {
    progress.hidden = true;
    form.classList.remove("busy");
    state.textContent = event.detail.successful ? state.dataset.done : "";
    if (event.detail.successful) clear();
    // Without any answer there is nothing that htmx could show; else the service's own words stand there.
    else if (!event.detail.xhr || !event.detail.xhr.status) say(words.failed, true);
  });

  const canShare = matchMedia("(pointer: coarse)").matches && navigator.share;
  const showCopy = () => {
    if (!navigator.clipboard && !canShare) return;
    document.querySelectorAll("button.copy").forEach((button) => { button.hidden = false; });
  };
  showCopy();
  answers.addEventListener("htmx:afterSwap", () => {
    showCopy();
    // Keyboards and screen readers go on where the answer begins.
    const heading = answers.querySelector("h2");
    if (!heading) return;
    heading.tabIndex = -1;
    heading.focus({preventScroll: true});
  });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const address = button.parentElement.querySelector("a").href;
    try {
      if (canShare) await navigator.share({url: address});
      else { await navigator.clipboard.writeText(address); button.textContent = button.dataset.copied; }
    } catch { /* The visitor changed their mind, or the browser forbids it: the link stands beside it. */ }
  });
})();
