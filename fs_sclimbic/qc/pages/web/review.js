// The rating of the case that is open: for the case as a whole, or for one of its structures.
"use strict";

(function (Sclimbic) {
  const { element, shortName } = Sclimbic;
  const KEYS = { p: "pass", f: "fail", a: "artefact", u: "unsure" };
  const SCORES = ["1", "2", "3", "4", "5"];
  const SCORE_WORDS = { 1: "unusable", 2: "poor", 3: "fair", 4: "good", 5: "excellent" };
  const ADVANCE_KEY = "sclimbic-qc:advance"; // a habit of the person, not of the study

  let one = null;
  let target = Sclimbic.marks.WHOLE;
  let advance = false;
  try {
    advance = window.localStorage.getItem(ADVANCE_KEY) === "yes";
  } catch {
    advance = false;
  }

  const targetWords = () => (target === Sclimbic.marks.WHOLE ? "the whole case" : target);

  function rate(rating) {
    const before = Sclimbic.marks.get(one.name, target);
    const same = before && before.rating === rating && !Sclimbic.marks.isOld(one.name, before);
    change({ rating: same ? "" : rating });
    Sclimbic.announce(`${one.name}, ${targetWords()}: ${same ? "no rating" : rating}`);
    if (advance && !same && target === Sclimbic.marks.WHOLE) Sclimbic.caseView.goToOpen();
  }

  function score(value) {
    const before = Sclimbic.marks.get(one.name, target);
    change({ score: before && before.score === value ? "" : value });
    Sclimbic.announce(`${one.name}, ${targetWords()}: ${value} of 5`);
  }

  const change = (what) => Sclimbic.marks.set(one.name, target, what);

  /** Take the next (+1) or the previous (-1) structure; the whole case lies before the first. */
  function moveTarget(step) {
    const names = [Sclimbic.marks.WHOLE, ...Sclimbic.study.structures.map((structure) => structure.name)];
    setTarget(names[(names.indexOf(target) + step + names.length) % names.length]);
  }

  function setTarget(name) {
    target = name;
    draw();
    Sclimbic.viewer.goTo(name);
    Sclimbic.caseView.showTarget(name);
    Sclimbic.announce(`now rating ${targetWords()}`);
  }

  function choose(words, key, pressed, act, title) {
    return element("button", { type: "button", "aria-pressed": String(pressed), title, onclick: act, class: `mark-${words}` }, words, key ? [" ", element("kbd", {}, key)] : null);
  }

  /** Draw the panel again. What is being written in the note stays. */
  function draw() {
    const place = document.getElementById("review");
    if (!place || !one) return;
    const writing = document.activeElement && document.activeElement.id === "note";
    if (writing && place.dataset.case === one.name && place.dataset.target === target) return;
    place.dataset.case = one.name;
    place.dataset.target = target;
    const mark = Sclimbic.marks.get(one.name, target);
    const old = Sclimbic.marks.isOld(one.name, mark);
    const targets = element("select", { id: "target", onchange: (event) => setTarget(event.target.value) },
      [[Sclimbic.marks.WHOLE, "whole case"], ...Sclimbic.study.structures.map((structure) => [structure.name, structure.name])]
        .map(([value, words]) => element("option", { value, selected: value === target }, words)));
    const note = element("textarea", { id: "note", rows: 2, placeholder: "note (n); Esc leaves it", "aria-label": "Note", onchange: (event) => change({ note: event.target.value.trim() }) });
    note.value = mark && !old ? mark.note : "";
    const next = element("input", { type: "checkbox", id: "advance", onchange: (event) => setAdvance(event.target.checked) });
    next.checked = advance;
    place.replaceChildren(...[
      element("h3", {}, "Your mark"),
      element("p", {}, element("label", {}, "for ", targets), element("span", { class: "fine" }, " ", element("kbd", {}, "↑"), element("kbd", {}, "↓"))),
      old ? element("p", { class: "warning" }, `Marked ${[mark.rating, mark.score].filter(Boolean).join(" ") || "with a note"} on ${mark.date.slice(0, 10)}, for an earlier result: look again.`) : null,
      element("div", { class: "ratings", role: "group", "aria-label": "Rating" }, Object.entries(KEYS).map(([key, rating]) =>
        choose(rating, key, !old && mark && mark.rating === rating, () => rate(rating)))),
      element("div", { class: "scores", role: "group", "aria-label": "Score, 1 unusable to 5 excellent" }, SCORES.map((value) =>
        choose(value, null, !old && mark && mark.score === value, () => score(value), SCORE_WORDS[value]))),
      note,
      element("p", { class: "fine" }, element("label", {}, next, " after a rating, go to the next case that is not reviewed")),
    ].filter(Boolean));
  }

  function setAdvance(on) {
    advance = on;
    try {
      window.localStorage.setItem(ADVANCE_KEY, on ? "yes" : "no");
    } catch {
      // it holds for this visit
    }
  }

  function open(shown) {
    if (one !== shown) target = Sclimbic.marks.WHOLE;
    one = shown;
    draw();
  }

  /** A key; whether it was one of the review's. */
  function onKey(key) {
    if (!one || !document.getElementById("review")) return false;
    if (KEYS[key]) rate(KEYS[key]);
    else if (SCORES.includes(key)) score(key);
    else if (key === "n") document.getElementById("note").focus();
    else if (key === "ArrowDown") moveTarget(1);
    else if (key === "ArrowUp") moveTarget(-1);
    else return false;
    return true;
  }

  Sclimbic.review = { open, draw, onKey, setTarget, target: () => target };
})(window.Sclimbic);
