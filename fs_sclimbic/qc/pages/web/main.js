// Which view is shown, the keys, and the marks as files.
"use strict";

(function (Sclimbic) {
  const { element, study } = Sclimbic;
  const VIEWS = { cases: "Cases", pictures: "Pictures", distributions: "Distributions", groups: "Groups" };
  const CASE = "#case/";
  const HELP = [
    ["p f a u", "pass, fail, artefact, unsure; the same key again takes it back"],
    ["1 – 5", "score, from unusable to excellent"],
    ["n", "write a note; Esc leaves it"],
    ["↑ ↓", "what is rated: the whole case, or one structure (the viewer goes there)"],
    ["r, space", "next case that is not reviewed (r also from the table)"],
    ["j k, ← →", "next and previous case, in the order of the table"],
    ["o  l", "labels on and off; outline or filled"],
    ["[  ]", "less and more opacity"],
    ["+  –  0", "zoom about the crosshair; whole view"],
    ["v", "into the viewer: arrow keys, Page Up and Page Down move the crosshair; Esc leaves it"],
    ["c", "copy the freeview command"],
    ["g", "back to the table"],
    ["s", "save the marks"],
    ["?", "these keys"],
  ];

  const byName = new Map(study.cases.map((one) => [one.name, one]));
  Sclimbic.caseNamed = (name) => byName.get(name) || null;
  // Also those whose numbers alone are told, to compare.
  Sclimbic.everyone = () => [...study.cases, ...study.context];
  Sclimbic.addressOf = (one) => CASE + encodeURIComponent(one.name);
  // At once, and not when the browser tells of the new address: the next key is meant for the next case.
  Sclimbic.open = (one) => {
    window.location.hash = Sclimbic.addressOf(one);
    route();
  };
  Sclimbic.say = (text) => {
    const place = document.getElementById("storage-warning");
    place.textContent = text || (Sclimbic.marks.keeps ? "" : "This browser keeps no marks of pages from disk: save them before you close the page.");
    place.hidden = !place.textContent;
  };

  let saved = null; // the table as it was last saved or read in this visit

  function route() {
    const hash = window.location.hash || (study.cases.length === 1 ? Sclimbic.addressOf(study.cases[0]) : "#cases");
    const one = hash.startsWith(CASE) ? Sclimbic.caseNamed(decode(hash.slice(CASE.length))) : null;
    const name = one ? "case" : VIEWS[hash.slice(1)] ? hash.slice(1) : "cases";
    for (const view of [...Object.keys(VIEWS), "case"]) document.getElementById(`view-${view}`).hidden = view !== name;
    for (const link of document.querySelectorAll("#views a")) {
      if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (one) {
      document.title = `${one.name} – ${study.title}`;
      if (Sclimbic.caseView.shown() !== one) {
        Sclimbic.caseView.show(one);
        window.scrollTo(0, 0);
      }
    } else {
      document.title = study.title;
      Sclimbic.caseView.close();
      const place = document.getElementById(`view-${name}`);
      if (name === "pictures") Sclimbic.pictures.show(place);
      if (name === "distributions") Sclimbic.distributions.show(place);
      if (name === "groups") Sclimbic.groups.show(place);
    }
  }

  function decode(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  }

  function summarize() {
    const count = (verdict) => study.cases.filter((one) => one.verdict === verdict).length;
    const words = [["failed", "failed"], ["bad", "bad"], ["look", "to look at"], ["good", "good"]]
      .filter(([verdict]) => count(verdict)).map(([verdict, text]) => `${count(verdict)} ${text}`);
    const unsaved = saved !== Sclimbic.marks.toTsv() && Sclimbic.marks.toTsv().split("\n").length > 2;
    document.getElementById("summary").textContent =
      `${study.cases.length} cases: ${words.join(", ")} · ${Sclimbic.marks.countReviewed()} reviewed${unsaved ? " · marks not saved to a file in this visit" : ""}`;
    document.getElementById("rater").value = Sclimbic.marks.rater;
    Sclimbic.say("");
  }

  function save() {
    const rater = Sclimbic.marks.rater.replace(/[^\w.-]+/g, "_");
    saved = Sclimbic.marks.toTsv();
    Sclimbic.offerFile(`ratings${rater ? `_${rater}` : ""}.tsv`, saved, "text/tab-separated-values");
    summarize();
    Sclimbic.announce("marks saved");
  }

  async function readMarks(file) {
    try {
      Sclimbic.say(Sclimbic.marks.fromTsv(await file.text()));
    } catch (error) {
      Sclimbic.say(`${file.name}: ${error.message}. Nothing was taken over.`);
    }
  }

  function showKeys() {
    const dialog = document.getElementById("keys");
    dialog.replaceChildren(
      element("h2", { id: "keys-title" }, "Keys"),
      element("table", {}, element("tbody", {}, HELP.map(([keys, words]) => element("tr", {}, element("th", { scope: "row" }, element("kbd", {}, keys)), element("td", {}, words))))),
      element("p", { class: "fine" }, "Marks stay in this browser, for this study and this rater. Save them as a TSV: fs_sclimbic table and glm read it (--exclude-from)."),
      element("form", { method: "dialog" }, element("button", { autofocus: true }, "Close")));
    dialog.showModal();
  }

  const OF_A_CASE = {
    " ": () => Sclimbic.caseView.goToOpen(),
    j: () => Sclimbic.caseView.step(1), k: () => Sclimbic.caseView.step(-1),
    ArrowRight: () => Sclimbic.caseView.step(1), ArrowLeft: () => Sclimbic.caseView.step(-1),
    o: () => Sclimbic.viewer.toggleOverlay(), l: () => Sclimbic.viewer.toggleOutline(),
    "+": () => Sclimbic.viewer.zoom(1), "-": () => Sclimbic.viewer.zoom(-1), 0: () => Sclimbic.viewer.resetView(),
    "[": () => Sclimbic.viewer.changeOpacity(-1), "]": () => Sclimbic.viewer.changeOpacity(1),
    v: () => document.getElementById("viewer-canvas").focus(), c: () => Sclimbic.caseView.copyFreeview(),
    g: () => { window.location.hash = "#cases"; },
  };

  const MAY_REPEAT = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown", "[", "]", "+", "-"];
  const ANYWHERE = { "?": showKeys, s: save, r: () => Sclimbic.caseView.goToOpen() };

  /** Keys are heard before others hear them; those of fields, buttons and open dialogs stay theirs. */
  function onKey(event) {
    const focus = document.activeElement || document.body;
    if (event.ctrlKey || event.metaKey || event.altKey || document.getElementById("keys").open) return;
    const inField = focus.matches("textarea, select, input:not([type=checkbox])");
    if (event.key === "Escape" && (inField || Sclimbic.viewer.isFocused())) {
      focus.blur();
      return;
    }
    if (inField || (event.key === " " && focus.matches("button, summary, input"))) return;
    const caseIsOpen = Sclimbic.caseView.shown() !== null;
    if (event.repeat && !MAY_REPEAT.includes(event.key)) return; // a key that is held down must not mark many cases
    const inScroller = focus.matches(".scroller, pre") && event.key.startsWith("Arrow");
    const handled =
      (caseIsOpen && Sclimbic.viewer.isFocused() && Sclimbic.viewer.move(event.key)) ||
      (caseIsOpen && !inScroller && (Sclimbic.review.onKey(event.key) || act(OF_A_CASE, event.key))) ||
      act(ANYWHERE, event.key);
    if (!handled) return;
    event.preventDefault();
    event.stopPropagation();
  }

  function act(keys, key) {
    if (!Object.hasOwn(keys, key)) return false;
    keys[key]();
    return true;
  }

  /** DataTables is dark where the page's element has this class. */
  function followColors() {
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const follow = () => document.documentElement.classList.toggle("dark", dark.matches);
    dark.addEventListener("change", follow);
    follow();
  }

  function start() {
    followColors();
    Sclimbic.marks.start();
    const views = Object.entries(VIEWS).filter(([name]) => name !== "groups" || study.groupName);
    document.getElementById("views").append(...views.map(([name, words]) => element("a", { href: `#${name}` }, words)));
    document.getElementById("rater").addEventListener("change", (event) => Sclimbic.marks.setRater(event.target.value));
    document.getElementById("export").addEventListener("click", save);
    const file = document.getElementById("import-file");
    document.getElementById("import").addEventListener("click", () => file.click());
    file.addEventListener("change", async () => {
      if (file.files.length) await readMarks(file.files[0]);
      file.value = "";
    });
    document.getElementById("start").addEventListener("click", () => Sclimbic.caseView.goToOpen());
    document.getElementById("help").addEventListener("click", showKeys);
    document.addEventListener("keydown", onKey, true);
    window.addEventListener("hashchange", route);
    window.addEventListener("beforeunload", (event) => {
      if (!Sclimbic.marks.keeps && saved !== Sclimbic.marks.toTsv()) event.preventDefault();
    });
    Sclimbic.marks.onChange(() => {
      summarize();
      Sclimbic.caseView.refresh();
      Sclimbic.cohort.refresh();
    });
    Sclimbic.cohort.showFilters(document.getElementById("filters"));
    summarize();
    Sclimbic.cohort.show(document.getElementById("table-place")).then(() => {
      route();
      document.documentElement.dataset.ready = "yes";
    });
  }

  start();
})(window.Sclimbic);
