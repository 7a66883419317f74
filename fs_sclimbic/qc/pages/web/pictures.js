// All cases on one page, as small pictures. A picture is read when it comes into sight.
"use strict";

(function (Sclimbic) {
  const { element, badge } = Sclimbic;

  function card(one) {
    const words = one.problem || one.flags.map((flag) => flag.reason).join("; ") || "no flag";
    const picture = one.thumbnail
      ? element("img", { src: one.thumbnail, width: 288, height: 96, loading: "lazy", decoding: "async", alt: `Labels of ${one.name} over the T1, three planes` })
      : element("span", { class: "no-picture" }, "no picture");
    const mark = Sclimbic.cohort.markWords(one);
    return element(
      "a", { class: `card ${one.verdict}`, href: Sclimbic.addressOf(one), title: words },
      picture,
      element("span", { class: "card-name" }, one.name),
      element("span", { class: "card-line" }, badge(one.verdict), mark ? element("span", { class: "card-mark" }, mark) : null),
    );
  }

  function show(place) {
    const cases = Sclimbic.cohort.currentCases();
    place.replaceChildren(
      element("p", { class: "fine" }, `${cases.length} of ${Sclimbic.study.cases.length} cases, in the order and with the filters of the table. Left is left.`),
      element("div", { class: "cards" }, cases.map(card)),
    );
  }

  Sclimbic.pictures = { show };
})(window.Sclimbic);
