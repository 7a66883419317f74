// The marks of the review: kept in this browser, written to and read from a TSV.
//
// One browser keeps the pages of many studies: from disk, some browsers give all pages one store. The key of the store
// therefore holds the study's id. Each rater has marks of their own, so that a second one does not see the first one's.
"use strict";

(function (Sclimbic) {
  const RATINGS = ["pass", "fail", "artefact", "unsure"];
  const COLUMNS = ["case", "structure", "rating", "score", "note", "rater", "date", "result"];
  const NOTHING = "n/a";
  const WHOLE = ""; // the structure of a mark for the whole case
  const SCORES = ["1", "2", "3", "4", "5"];

  let all = {}; // rater -> case -> structure -> {rating, score, note, date, result}
  let rater = "";
  let keeps = true;
  const listeners = [];

  const key = () => `sclimbic-qc:${Sclimbic.study.id}`;

  function read() {
    try {
      const stored = JSON.parse(window.localStorage.getItem(key()) || "{}");
      all = stored.marks || {};
      rater = stored.rater || "";
    } catch {
      keeps = false;
    }
  }

  function keep() {
    try {
      window.localStorage.setItem(key(), JSON.stringify({ rater, marks: all }));
      keeps = window.localStorage.getItem(key()) !== null;
    } catch {
      keeps = false;
    }
    listeners.forEach((listen) => listen());
  }

  const casesOf = (name) => (all[name] = all[name] || {});
  const ofCase = (name) => casesOf(rater)[name] || {};
  const get = (name, structure = WHOLE) => ofCase(name)[structure] || null;

  /** The present result of a case: a mark of an earlier one is out of date. */
  function resultOf(name) {
    const found = Sclimbic.caseNamed(name);
    return found ? found.result : null;
  }

  const isOld = (name, mark) => Boolean(mark && mark.result && resultOf(name) && mark.result !== resultOf(name));

  /** Whether the whole case was rated, as it is now. */
  function isReviewed(name) {
    const mark = get(name);
    return Boolean(mark && (mark.rating || mark.score) && !isOld(name, mark));
  }

  /** Change a mark; what is not given stays. A mark without content is removed. */
  function set(name, structure, change) {
    read(); // another tab may have written
    const before = isOld(name, get(name, structure)) ? {} : get(name, structure) || {};
    const mark = { rating: "", score: "", note: "", ...before, ...change, date: now(), result: resultOf(name) };
    const marks = (casesOf(rater)[name] = ofCase(name));
    if (mark.rating || mark.score || mark.note) marks[structure] = mark;
    else delete marks[structure];
    if (!Object.keys(marks).length) delete casesOf(rater)[name];
    keep();
  }

  const now = () => new Date().toISOString().replace(/\.\d+Z$/, "Z");

  /** Give the rater's name. Marks that were made without one get it, if the name has none of its own. */
  function setRater(name) {
    read();
    const given = clean(name);
    const owned = Object.keys(all[given] || {}).length > 0;
    if (given && rater === "" && !owned) {
      all[given] = all[""] || {};
      delete all[""];
    }
    rater = given;
    keep();
  }

  const clean = (text) => String(text).replace(/[\t\r\n]+/g, " ").trim();

  /** All marks of all raters as a table, sorted as the study is. */
  function toTsv() {
    const order = new Map(Sclimbic.study.cases.map((one, index) => [one.name, index]));
    const place = (name) => (order.has(name) ? order.get(name) : order.size);
    const lines = [COLUMNS.join("\t")];
    for (const who of Object.keys(all).sort()) {
      const names = Object.keys(all[who]).sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
      for (const name of names) {
        for (const structure of Object.keys(all[who][name]).sort()) {
          const mark = all[who][name][structure];
          const cells = [name, structure, mark.rating, mark.score, mark.note, who, mark.date, mark.result];
          lines.push(cells.map((cell) => clean(cell || "") || NOTHING).join("\t"));
        }
      }
    }
    return lines.join("\n") + "\n";
  }

  /** Take over the marks of a table. Of two marks the newer one stays. Returns what was done, in words. */
  function fromTsv(text) {
    const [header, ...lines] = text.replace(/^\uFEFF/, "").split(/\r?\n/).filter((line) => line.trim());
    const names = (header || "").split("\t").map((cell) => cell.trim());
    const lacking = ["case", "structure", "rating"].filter((column) => !names.includes(column));
    if (lacking.length) throw new Error(`no table of marks: column ${lacking.join(", ")} is missing; expected UTF-8 text with tabs between the cells`);
    const rows = lines.map((line, index) => readRow(names, line, index + 2)); // all or nothing
    read();
    const count = { taken: 0, older: 0, unknown: 0 };
    for (const row of rows) {
      const marks = (all[row.rater] = all[row.rater] || {});
      const there = (marks[row.case] || {})[row.structure];
      if (there && there.date >= row.mark.date) {
        count.older += 1;
        continue;
      }
      (marks[row.case] = marks[row.case] || {})[row.structure] = row.mark;
      count.taken += 1;
      if (!Sclimbic.caseNamed(row.case)) count.unknown += 1;
    }
    const raters = [...new Set(rows.map((row) => row.rater))];
    if (raters.length === 1 && !Object.keys(all[rater] || {}).length) rater = raters[0];
    keep();
    const words = [`${count.taken} of ${rows.length} marks taken over`];
    if (count.older) words.push(`${count.older} are not newer than those here`);
    if (count.unknown) words.push(`${count.unknown} are of cases that this page does not have; they are kept`);
    const others = raters.filter((who) => who !== rater);
    if (others.length) words.push(`to see those of ${others.map((who) => who || "no name").join(", ")}, give that rater's name`);
    return words.join("; ");
  }

  /** A cell; spreadsheet programs quote cells that hold a quote. */
  function unquote(cell) {
    const text = cell.trim();
    return /^".*"$/.test(text) && text.length > 1 ? text.slice(1, -1).replace(/""/g, '"') : text;
  }

  function readRow(names, line, number) {
    const cells = line.split("\t").map(unquote);
    const cell = (name) => {
      const text = cells[names.indexOf(name)] || "";
      return text === NOTHING ? "" : text;
    };
    const rating = cell("rating").toLowerCase().replace("artifact", "artefact");
    const mark = { rating, score: cell("score"), note: cell("note"), date: cell("date"), result: cell("result") };
    if (!cells[names.indexOf("case")]) throw new Error(`line ${number}: no case`);
    if (mark.rating && !RATINGS.includes(mark.rating)) {
      throw new Error(`line ${number}: expected ${RATINGS.join(", ")} or ${NOTHING}, found "${mark.rating}"`);
    }
    if (mark.score && !SCORES.includes(mark.score)) {
      throw new Error(`line ${number}: expected a score from 1 to 5 or ${NOTHING}, found "${mark.score}"`);
    }
    return { case: cells[names.indexOf("case")], structure: cell("structure"), rater: cell("rater"), mark };
  }

  /** How many cases are reviewed. */
  const countReviewed = () => Sclimbic.study.cases.filter((one) => isReviewed(one.name)).length;

  window.addEventListener("storage", (event) => {
    if (event.key !== key()) return;
    read();
    listeners.forEach((listen) => listen());
  });

  Sclimbic.marks = {
    RATINGS, WHOLE, get, ofCase, set, isOld, isReviewed, toTsv, fromTsv, setRater, countReviewed,
    start() {
      read();
      keep(); // shows whether this browser keeps anything
    },
    onChange: (listen) => listeners.push(listen),
    get rater() {
      return rater;
    },
    get keeps() {
      return keeps;
    },
  };
})(window.Sclimbic);
