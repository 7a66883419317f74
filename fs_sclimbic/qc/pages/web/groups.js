// The groups of a study, such as sites, side by side.
"use strict";

(function (Sclimbic) {
  const { element, format, shortName } = Sclimbic;

  function median(values) {
    const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
    return sorted.length ? Sclimbic.distributions.quantile(sorted, 0.5) : null;
  }

  function show(place) {
    const { cases, structures, groupName } = Sclimbic.study;
    const groups = [...new Set(cases.map((one) => one.group))].sort();
    const row = (name, members) => element("tr", {},
      element("th", { scope: "row" }, name),
      element("td", { class: "number" }, members.length),
      ["failed", "bad", "look", "good"].map((verdict) => element("td", { class: "number" }, members.filter((one) => one.verdict === verdict).length)),
      element("td", { class: "number" }, format(median(members.map((one) => one.etiv)))),
      structures.map((_, index) => element("td", { class: "number" }, format(median(members.map((one) => one.volumes[index]))))));
    const heading = [groupName, "cases", "failed", "bad", "look at it", "good", "eTIV, cm³", ...structures.map((one) => shortName(one.name))];
    place.replaceChildren(
      element("p", { class: "fine" }, "Counts of cases, and medians of volumes in mm³. The view “Distributions” shows each case by group."),
      element("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": "Table of groups, scrolls sideways" },
        element("table", { class: "cases" },
          element("thead", {}, element("tr", {}, heading.map((text) => element("th", { scope: "col" }, text)))),
          element("tbody", {}, groups.map((group) => row(group, cases.filter((one) => one.group === group))), row("all", cases)))),
    );
  }

  Sclimbic.groups = { show };
})(window.Sclimbic);
