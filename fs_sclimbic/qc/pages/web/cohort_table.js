// The table of all cases: sorts, filters and searches with DataTables; without it a plain table, worst first.
"use strict";

(function (Sclimbic) {
  const { element, format, shortName, badge } = Sclimbic;
  const SEVERITY = { failed: 0, bad: 1, look: 2, good: 3 };
  const MEASURES = {
    volumes: { words: "volume, mm³", digits: 0 },
    z: { words: "z score", digits: 2 },
    confidences: { words: "confidence", digits: 2 },
  };
  const PAGE_LENGTHS = [25, 50, 100, 250, 1000];

  let table = null; // DataTables' object
  let measure = "volumes";
  const wanted = { verdict: "", review: "", group: "" };

  /** The cases in the order and with the filters of the table. */
  function currentCases() {
    const cases = Sclimbic.study.cases;
    if (!table) return cases.filter(passes);
    return table.rows({ order: "applied", search: "applied" }).data().toArray().map((row) => row.one);
  }

  const passes = (one) =>
    (!wanted.verdict || one.verdict === wanted.verdict) &&
    (!wanted.group || one.group === wanted.group) &&
    (!wanted.review || (Sclimbic.marks.isReviewed(one.name) ? "reviewed" : "open") === wanted.review);

  /** What a mark says, in one word and its score. */
  function markWords(one) {
    const mark = Sclimbic.marks.get(one.name);
    const structures = Object.keys(Sclimbic.marks.ofCase(one.name)).filter((name) => name !== Sclimbic.marks.WHOLE);
    const words = [];
    if (mark) words.push([mark.rating, mark.score].filter(Boolean).join(" ") || "note");
    if (mark && Sclimbic.marks.isOld(one.name, mark)) words.push("(earlier result)");
    if (structures.length) words.push(`+${structures.length}`);
    return words.join(" ");
  }

  const link = (one) => element("a", { href: Sclimbic.addressOf(one) }, one.name);

  function reasons(one) {
    if (one.problem) return element("span", { class: "reason" }, one.problem);
    const list = one.flags.map((flag) => flag.reason);
    const more = list.length > 1 ? ` (and ${list.length - 1} more)` : "";
    return element("span", { class: "reason", title: list.join("\n") }, (list[0] || "") + more);
  }

  /** The number of a structure, framed if it has a flag. */
  function structureNode(one, index) {
    const text = format(one[measure][index], MEASURES[measure].digits);
    const flags = one.flags.filter((flag) => flag.structure === Sclimbic.study.structures[index].name);
    if (!flags.length) return document.createTextNode(text);
    return element("span", { class: "flagged", title: flags.map((flag) => flag.reason).join("\n") }, text);
  }

  /** A column: its heading, the value that is searched (and sorts, without an order), and what a cell shows. */
  function columns() {
    const { structures, groupName, cases } = Sclimbic.study;
    const several = (name) => new Set(cases.map((one) => one[name])).size > 1;
    const found = [
      { title: "case", value: (one) => one.name, node: link, type: "string" },
      {
        title: "verdict", value: (one) => one.verdict, order: (one) => SEVERITY[one.verdict] * 1e4 - one.flags.length,
        node: (one) => badge(one.verdict), type: "num",
      },
      {
        title: "why", value: (one) => one.problem || one.flags.map((flag) => flag.reason).join("; "), type: "string",
        node: reasons,
      },
      { title: "mark", value: markWords, type: "string" },
    ];
    if (groupName) found.push({ title: groupName, value: (one) => one.group, type: "string" });
    found.push({ title: "eTIV, cm³", value: (one) => one.etiv, node: (one) => document.createTextNode(format(one.etiv)), type: "num" });
    structures.forEach((structure, index) => {
      found.push({
        title: shortName(structure.name), value: (one) => one[measure][index], type: "num",
        node: (one) => structureNode(one, index),
      });
    });
    found.push({ title: "weights", value: (one) => one.weights, type: "string", rare: !several("weights") });
    found.push({ title: "settings", value: (one) => one.settings, type: "string", rare: !several("settings") });
    return found;
  }

  const shownAs = (column, one) => (column.node ? column.node(one) : document.createTextNode(column.value(one) ?? "–"));

  /** DataTables' description of a column. Cells are nodes, so that no text is taken for HTML. */
  function describe(column) {
    const isNumber = column.type === "num" && column.title !== "verdict";
    return {
      title: Sclimbic.escapeText(column.title),
      type: column.type,
      className: [isNumber ? "number" : "dt-left", column.rare ? "rare" : ""].join(" ").trim(),
      orderSequence: ["asc", "desc"],
      data: null,
      render: (row, type) => {
        if (type === "display") return shownAs(column, row.one);
        const value = column.order && type !== "filter" ? column.order(row.one) : column.value(row.one);
        return value ?? (column.type === "num" && type !== "filter" ? -Infinity : "");
      },
    };
  }

  function plainTable(shown) {
    const rows = Sclimbic.study.cases.map((one) =>
      element("tr", {}, shown.map((column) => element("td", {}, shownAs(column, one)))));
    const heading = element("tr", {}, shown.map((column) => element("th", { scope: "col" }, column.title)));
    return element("table", { class: "cases" }, element("thead", {}, heading), element("tbody", {}, rows));
  }

  /** Make the table. */
  async function show(place) {
    const shown = columns();
    const library = await Sclimbic.dataTables.catch(() => null);
    const scroller = element("div", { class: "scroller" });
    place.replaceChildren(scroller);
    if (!library) {
      scroller.append(plainTable(shown));
      return;
    }
    const DataTable = library.DataTable || library.default;
    const made = element("table", { class: "cases compact hover", id: "cases-table" });
    scroller.append(made);
    DataTable.ext.search.push((_settings, _texts, _index, row) => passes(row.one));
    table = new DataTable(made, {
      data: Sclimbic.study.cases.map((one) => ({ one })),
      columns: shown.map(describe),
      order: [[1, "asc"], [0, "asc"]],
      pageLength: 50,
      lengthMenu: PAGE_LENGTHS,
      deferRender: true,
      autoWidth: false,
      layout: { topStart: ["pageLength", searchBuilderButton(DataTable)].filter(Boolean), topEnd: "search", bottomStart: "info", bottomEnd: "paging" },
      language: { search: "Search", lengthMenu: "_MENU_ rows", info: "_START_–_END_ of _TOTAL_", infoFiltered: "(of _MAX_)", searchBuilder: { button: { 0: "Conditions", _: "Conditions (%d)" } } },
    });
    // What lies around the table must not scroll with it.
    const around = made.closest(".dt-container");
    if (around) place.replaceChildren(around);
    const row = made.closest(".dt-layout-table") || made.parentElement;
    row.classList.add("scroller");
    row.setAttribute("tabindex", "0");
    row.setAttribute("role", "region");
    row.setAttribute("aria-label", "Table of cases, scrolls sideways");
    table.on("draw", () => document.dispatchEvent(new Event("cases-changed")));
  }

  /** The button that opens DataTables' builder of conditions, such as "L Accumbens < 200". */
  function searchBuilderButton(DataTable) {
    return DataTable.SearchBuilder && DataTable.Buttons
      ? { buttons: [{ extend: "searchBuilder", config: { depthLimit: 1 } }] }
      : null;
  }

  function select(words, name, options) {
    const made = element("select", { id: `filter-${name}`, onchange: (event) => filter(name, event.target.value) });
    for (const [value, text] of options) made.append(element("option", { value }, text));
    return element("label", {}, `${words} `, made);
  }

  function filter(name, value) {
    wanted[name] = value;
    refresh();
  }

  /** Draw the table again, after a filter or a mark was changed. */
  function refresh() {
    if (table) table.rows().invalidate("data").draw(false);
    document.dispatchEvent(new Event("cases-changed"));
  }

  function showFilters(place) {
    const { cases, groupName } = Sclimbic.study;
    const count = (verdict) => cases.filter((one) => one.verdict === verdict).length;
    const verdicts = ["failed", "bad", "look", "good"].filter(count);
    place.append(
      select("Verdict", "verdict", [["", `all (${cases.length})`],
        ...verdicts.map((one) => [one, `${Sclimbic.VERDICT_WORDS[one]} (${count(one)})`])]),
      select("Review", "review", [["", "all"], ["open", "not yet reviewed"], ["reviewed", "reviewed"]]),
    );
    if (groupName) {
      const groups = [...new Set(cases.map((one) => one.group))].sort();
      place.append(select(groupName, "group", [["", "all"], ...groups.map((one) => [one, one])]));
    }
    const measures = element("select", { id: "measure", onchange: (event) => { measure = event.target.value; refresh(); } });
    for (const [name, { words }] of Object.entries(MEASURES)) measures.append(element("option", { value: name }, words));
    place.append(element("label", {}, "Structures show ", measures));
  }

  Sclimbic.cohort = { show, showFilters, refresh, currentCases, markWords, MEASURES };
})(window.Sclimbic);
