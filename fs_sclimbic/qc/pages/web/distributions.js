// Where each case lies among all: a strip of dots for each structure. Left and right share one scale.
"use strict";

(function (Sclimbic) {
  const { element, format, shortName } = Sclimbic;
  const WIDTHS = { least: 330, most: 560 }; // a strip is drawn as wide as its place, so that its text keeps its size
  const LEFT = 130; // room for names
  const RIGHT = 14;
  const ROW = 30;
  const GROUP_ROW = 18;
  const NORM_SD = 2;

  /** The same number for the same case every time, from -0.5 to 0.5: dots do not jump. */
  const jitter = (index) => ((index * 0.618034) % 1) - 0.5;

  const quantile = (sorted, q) => {
    const at = (sorted.length - 1) * q;
    const low = Math.floor(at);
    return sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * (at - low);
  };

  const pairOf = (name) => name.replace(/^(Left|Right)-/, "");

  /** What is shown: each structure, and eTIV. */
  function rows(measure) {
    const { structures } = Sclimbic.study;
    const found = structures.map((structure, index) => ({
      name: structure.name, pair: pairOf(structure.name), digits: Sclimbic.cohort.MEASURES[measure].digits,
      norm: measure === "volumes" ? structure.norm : measure === "z" && structure.norm ? { mean: 0, sd: 1 } : null,
      value: (one) => one[measure][index],
      flagged: (one) => one.flags.some((flag) => flag.structure === structure.name),
    }));
    if (measure === "volumes") {
      found.push({ name: "eTIV, cm³", pair: "eTIV", digits: 0, norm: null, value: (one) => one.etiv, flagged: () => false });
    }
    return found.filter((row) => Sclimbic.everyone().some((one) => Number.isFinite(row.value(one))));
  }

  /** The range that a row and its other side share. */
  function scaleOf(row, all) {
    const values = all
      .filter((other) => other.pair === row.pair)
      .flatMap((other) => Sclimbic.everyone().map(other.value))
      .filter(Number.isFinite);
    let low = Math.min(...values);
    let high = Math.max(...values);
    for (const { norm } of all.filter((other) => other.pair === row.pair && other.norm)) {
      low = Math.min(low, norm.mean - NORM_SD * norm.sd);
      high = Math.max(high, norm.mean + NORM_SD * norm.sd);
    }
    const margin = (high - low || Math.abs(high) || 1) * 0.04;
    return { low: low < 0 ? low - margin : Math.max(low - margin, 0), high: high + margin };
  }

  /** One strip as SVG; `here` is the case to highlight. */
  function strip(row, scale, groups, here, width) {
    const x = (value) => LEFT + ((value - scale.low) / (scale.high - scale.low)) * (width - LEFT - RIGHT);
    const lanes = groups.length ? groups : [null];
    const lane = groups.length ? GROUP_ROW : ROW;
    const height = lanes.length * lane + 14;
    const values = Sclimbic.everyone().map(row.value).filter(Number.isFinite).sort((a, b) => a - b);
    const middle = quantile(values, 0.5);
    const own = here ? row.value(here) : null;
    const words = `${row.name}: median ${format(middle, row.digits)}, from ${format(values[0], row.digits)} to ${format(values.at(-1), row.digits)}` +
      (Number.isFinite(own) ? `; this case ${format(own, row.digits)}` : "");
    const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, class: "strip", role: "img", "aria-label": words });
    if (row.norm) {
      const low = x(row.norm.mean - NORM_SD * row.norm.sd);
      svg.append(element("rect", { x: low, y: 1, width: x(row.norm.mean + NORM_SD * row.norm.sd) - low, height: height - 14, class: "norm" },
        element("title", {}, `mean ± ${NORM_SD} sd of the population table`)));
    }
    svg.append(element("text", { x: 0, y: 14, class: "strip-name" }, shortName(row.name)));
    svg.append(element("line", { x1: LEFT, x2: width - RIGHT, y1: height - 13, y2: height - 13, class: "axis" }));
    svg.append(element("text", { x: LEFT, y: height - 2, class: "tick" }, format(scale.low, row.digits)));
    svg.append(element("text", { x: width - RIGHT, y: height - 2, class: "tick end" }, format(scale.high, row.digits)));
    svg.append(element("line", { x1: x(middle), x2: x(middle), y1: 1, y2: height - 13, class: "median" }, element("title", {}, "median")));
    lanes.forEach((group, number) => {
      const y = number * lane + lane / 2 + 1;
      if (group !== null) svg.append(element("text", { x: LEFT - 6, y: y + 4, class: "lane end" }, group));
      Sclimbic.everyone().forEach((one, index) => {
        const value = row.value(one);
        if (!Number.isFinite(value) || (group !== null && one.group !== group) || one === here) return;
        svg.append(dot(one, row, x(value), y + jitter(index) * lane * 0.62, false));
      });
      if (here && Number.isFinite(own) && (group === null || here.group === group)) svg.append(dot(here, row, x(own), y, true));
    });
    return svg;
  }

  function dot(one, row, x, y, isHere) {
    const kind = row.flagged(one) ? one.verdict : "plain";
    return element("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: isHere ? 6 : 2.6, class: `dot ${kind}${isHere ? " here" : ""}`, "data-case": one.name },
      element("title", {}, `${one.name || "another case"}: ${format(row.value(one), row.digits)}`));
  }

  /** All strips; a click on a dot opens its case. */
  function draw(place, { measure = "volumes", here = null, byGroup = false } = {}) {
    const all = rows(measure);
    const width = Math.max(WIDTHS.least, Math.min(WIDTHS.most, place.clientWidth || WIDTHS.most));
    const groups = byGroup && Sclimbic.study.groupName ? [...new Set(Sclimbic.study.cases.map((one) => one.group))].sort() : [];
    const drawn = element("div", {
      class: "strips",
      onclick: (event) => {
        const name = event.target.getAttribute && event.target.getAttribute("data-case");
        const one = name && Sclimbic.caseNamed(name);
        if (one) Sclimbic.open(one);
      },
    }, all.map((row) => strip(row, scaleOf(row, all), groups, here, width)));
    place.replaceChildren(drawn);
  }

  let chosen = "volumes";
  let byGroup = true;

  /** The view of its own, with a choice of the measure. */
  function show(place) {
    const plots = element("div");
    const measures = element("select", { id: "plot-measure", onchange: (event) => { chosen = event.target.value; again(); } },
      Object.entries(Sclimbic.cohort.MEASURES).map(([name, { words }]) => element("option", { value: name, selected: name === chosen }, words)));
    const split = element("input", { type: "checkbox", id: "plot-groups", onchange: (event) => { byGroup = event.target.checked; again(); } });
    split.checked = byGroup;
    const again = () => draw(plots, { measure: chosen, byGroup });
    place.replaceChildren(
      element("div", { class: "filters" }, element("label", {}, "Show ", measures),
        Sclimbic.study.groupName ? element("label", {}, split, ` by ${Sclimbic.study.groupName}`) : null),
      element("p", { class: "fine" }, "A dot is a case: click it to open the case; the table lists the same numbers. Coloured dots have a flag for that structure. The line is the median; the band is the mean ± 2 sd of the population table. Left and right share one scale."),
      plots,
    );
    again();
  }

  Sclimbic.distributions = { show, draw, quantile };
})(window.Sclimbic);
