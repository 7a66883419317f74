// One case: why it is flagged, its picture, the viewer, the review, its numbers among the others, where it comes from.
"use strict";

(function (Sclimbic) {
  const { element, format, shortName, badge } = Sclimbic;
  const MAD_TO_SD = 1.4826; // of a normal distribution
  const FREEVIEW_OPACITY = 0.5;

  let shown = null;

  function median(values) {
    const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
    return sorted.length ? Sclimbic.distributions.quantile(sorted, 0.5) : null;
  }

  /** How far a value lies from the cohort's median, in standard deviations that outliers do not change. */
  function robustZ(value, values) {
    const middle = median(values);
    const spread = middle === null ? 0 : MAD_TO_SD * median(values.filter(Number.isFinite).map((other) => Math.abs(other - middle)));
    return Number.isFinite(value) && spread > 0 ? (value - middle) / spread : null;
  }

  function neighbour(step) {
    const cases = Sclimbic.cohort.currentCases();
    const index = cases.indexOf(shown);
    if (index < 0) return cases[0] || null;
    return cases[index + step] || null;
  }

  /** The next case without a mark: after this one, else from the beginning. */
  function nextOpen() {
    const cases = Sclimbic.cohort.currentCases();
    const index = cases.indexOf(shown);
    const order = [...cases.slice(index + 1), ...cases.slice(0, index + 1)];
    return order.find((one) => !Sclimbic.marks.isReviewed(one.name)) || null;
  }

  const goTo = (one) => { if (one) Sclimbic.open(one); };

  function goToOpen() {
    const one = nextOpen();
    if (one && one !== shown) goTo(one);
    else if (!one) Sclimbic.announce("all cases are reviewed");
    Sclimbic.say(one ? "" : "All cases in this list are reviewed. Save the marks.");
  }

  function markOf(one) {
    const words = Sclimbic.cohort.markWords(one);
    return words ? `your mark: ${words}` : "";
  }

  function heading(one) {
    const cases = Sclimbic.cohort.currentCases();
    const index = cases.indexOf(one);
    const step = (words, key, to) => element("a", { class: "button", href: to ? Sclimbic.addressOf(to) : null, "aria-disabled": to ? null : "true" }, words, " ", element("kbd", {}, key));
    return element("div", { class: "case-heading" },
      element("h2", {}, one.name, " ", badge(one.verdict), " ", element("span", { id: "own-mark", class: "fine" }, markOf(one))),
      element("nav", { "aria-label": "Cases" },
        step("← previous", "k", neighbour(-1)), step("next →", "j", neighbour(1)),
        element("button", { type: "button", onclick: goToOpen }, "next open ", element("kbd", {}, "space")),
        element("span", { class: "fine" }, index >= 0 ? `${index + 1} of ${cases.length}` : "not in the filtered list")));
  }

  function why(one) {
    if (one.problem) return element("p", { class: "warning" }, one.problem);
    const items = [
      ...one.flags.map((flag) => element("li", { class: flag.severity }, element("strong", {}, flag.severity === "bad" ? "bad: " : "look: "), flag.reason, flag.advice ? element("span", { class: "fine" }, ` – ${flag.advice}`) : null)),
      ...one.warnings.map((text) => element("li", {}, element("strong", {}, "said when it was made: "), text)),
    ];
    return items.length ? element("ul", { class: "flags" }, items) : element("p", { class: "fine" }, "No flag.");
  }

  function numbers(one) {
    const { structures } = Sclimbic.study;
    const cases = Sclimbic.everyone();
    const row = (structure, index) => {
      const flags = one.flags.filter((flag) => flag.structure === structure.name);
      const values = cases.map((other) => other.volumes[index]);
      const mark = Sclimbic.marks.get(one.name, structure.name);
      return element("tr", { "data-structure": structure.name, class: flags.length ? "flagged-row" : null, title: flags.map((flag) => flag.reason).join("\n") || null },
        element("th", { scope: "row" },
          element("span", { class: "swatch", style: `background: rgb(${structure.rgb.join(",")})` }),
          element("button", { type: "button", class: "plain", title: structure.name, onclick: () => Sclimbic.review.setTarget(structure.name) }, shortName(structure.name), flags.length ? " ▲" : "")),
        [one.volumes[index], median(values)].map((value) => element("td", { class: "number" }, format(value))),
        [robustZ(one.volumes[index], values), one.z[index], one.confidences[index]].map((value) => element("td", { class: "number" }, format(value, 2))),
        element("td", {}, mark ? [mark.rating, mark.score].filter(Boolean).join(" ") || "note" : ""));
    };
    const heads = [["structure", ""], ["mm³", "volume"], ["median", "of all cases of this study"], ["robust z", "distance from the median of this study, in robust standard deviations"], ["z", "against the population table"], ["conf.", "mean posterior inside the structure"], ["mark", ""]];
    return element("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": "Numbers of this case, scrolls sideways" },
      element("table", { class: "numbers" },
        element("caption", {}, `eTIV ${format(one.etiv)} cm³${one.etiv === null ? "" : ` (median ${format(median(cases.map((other) => other.etiv)))})`}`),
        element("thead", {}, element("tr", {}, heads.map(([text, title]) => element("th", { scope: "col", title: title || null }, text)))),
        element("tbody", {}, structures.map(row))));
  }

  const quote = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`);

  /** What opens the case in freeview, at a position of the viewer. */
  function freeviewCommand(one, position) {
    const images = [one.files.t1 ? quote(one.files.t1) : null, `${quote(one.files.segmentation)}:colormap=lut:opacity=${FREEVIEW_OPACITY}`].filter(Boolean);
    const where = position ? ` -ras ${position.map((mm) => format(mm, 1)).join(" ")}` : "";
    return `freeview -v ${images.join(" ")}${where}`;
  }

  function freeview(one) {
    if (!one.files) return null;
    const command = element("code", { id: "freeview" }, freeviewCommand(one, null));
    return element("div", {}, element("h3", {}, "In freeview"),
      element("pre", { class: "command", tabindex: 0 }, command),
      element("button", { type: "button", onclick: () => Sclimbic.copyText(command.textContent) }, "Copy ", element("kbd", {}, "c")));
  }

  function provenance(one) {
    const entries = [...Object.entries(one.files || {}), ...Object.entries(one.provenance)].filter(([, text]) => text);
    return element("details", {}, element("summary", {}, "Where it comes from"),
      element("dl", { class: "provenance" }, entries.map(([name, text]) => [element("dt", {}, name), element("dd", {}, text)])));
  }

  function picture(one) {
    if (!one.picture) return element("p", { class: "warning" }, one.pictureProblem || "There is no picture of this case.");
    return element("a", { href: one.picture, target: "_blank", title: "Open the picture alone" },
      element("img", { class: "mosaic", src: one.picture, decoding: "async", alt: `${one.name}: outlines of the structures over the T1 in three planes; ${one.flags.length ? `${one.flags.length} flags, listed on this page` : "no flag"}` }));
  }

  function show(one) {
    shown = one;
    const plots = element("div");
    document.getElementById("view-case").replaceChildren(
      heading(one),
      element("div", { class: "case-columns" },
        element("div", { class: "case-main" }, why(one), picture(one), Sclimbic.viewer.place()),
        element("aside", { class: "case-side", "aria-label": "Review and numbers" },
          element("section", { id: "review", "aria-label": "Review" }),
          element("section", { id: "numbers", "aria-label": "Numbers" }, one.problem ? null : numbers(one)),
          freeview(one), provenance(one))),
      element("section", { "aria-label": "This case among all" }, element("h3", {}, "This case among all"), plots),
    );
    if (!one.problem) Sclimbic.distributions.draw(plots, { here: one });
    Sclimbic.review.open(one);
    Sclimbic.viewer.show(one, () => shown === one).then(() => Sclimbic.images.prepare(neighbour(1)));
  }

  function close() {
    shown = null;
  }

  /** Mark the row of the structure that is rated. */
  function showTarget(name) {
    for (const row of document.querySelectorAll("#numbers tr[data-structure]")) {
      row.classList.toggle("target", row.dataset.structure === name);
    }
  }

  /** After a mark was changed. */
  function refresh() {
    if (!shown) return;
    document.getElementById("own-mark").textContent = markOf(shown);
    if (!shown.problem) document.getElementById("numbers").replaceChildren(numbers(shown));
    showTarget(Sclimbic.review.target());
    Sclimbic.review.draw();
  }

  function copyFreeview() {
    const command = document.getElementById("freeview");
    if (command) Sclimbic.copyText(command.textContent);
  }

  Sclimbic.viewer.onMove((position) => {
    const command = document.getElementById("freeview");
    if (command && shown) command.textContent = freeviewCommand(shown, position);
  });

  Sclimbic.caseView = { show, close, refresh, showTarget, goToOpen, copyFreeview, step: (by) => goTo(neighbour(by)), robustZ, shown: () => shown };
})(window.Sclimbic);
