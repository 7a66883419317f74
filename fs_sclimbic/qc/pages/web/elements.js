// Small tools for all parts of the page: elements, numbers, names. Text goes in as text, never as HTML.
"use strict";
window.Sclimbic = window.Sclimbic || {};

(function (Sclimbic) {
  const SVG = "http://www.w3.org/2000/svg";

  /** An element. Attributes that are null or false are left out; "on..." are listeners; children are nodes or text. */
  function element(tag, attributes = {}, ...children) {
    const isSvg = ["svg", "g", "circle", "line", "rect", "text", "title", "path"].includes(tag);
    const made = isSvg ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else made.setAttribute(name, value === true ? "" : String(value));
    }
    made.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return made;
  }

  /** Text for a library that takes it for HTML. */
  const escapeText = (text) => element("span", {}, text).innerHTML;

  /** A number with some digits, or a dash where there is none. */
  function format(value, digits = 0) {
    return value === null || value === undefined || Number.isNaN(value) ? "–" : value.toFixed(digits);
  }

  /** A short name for headings: "L Accumbens" for "Left-Nucleus-Accumbens". */
  function shortName(name) {
    return name
      .replace(/^Left-/, "L ")
      .replace(/^Right-/, "R ")
      .replace(/^Mid-/, "")
      .replace("Nucleus-", "")
      .replace(/-/g, " ");
  }

  /** Tell those who hear the page. */
  function announce(text) {
    document.getElementById("announcement").textContent = text;
  }

  /** Copy text, also where the clipboard is closed to pages from disk. */
  async function copyText(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = element("textarea", { class: "unseen" });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    announce("copied");
  }

  /** Offer text as a file. */
  function offerFile(name, text, type) {
    const link = element("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  /** Load a script that lies beside the page, once. */
  const loaded = new Map();
  function loadScript(address) {
    if (!loaded.has(address)) {
      loaded.set(
        address,
        new Promise((resolve, reject) => {
          const script = element("script", { src: address, onload: resolve });
          script.addEventListener("error", () => {
            loaded.delete(address);
            reject(new Error(`${address} is missing beside this page`));
          });
          document.head.append(script);
        }),
      );
    }
    return loaded.get(address);
  }

  const VERDICT_WORDS = { failed: "failed", bad: "bad", look: "look at it", good: "good" };
  const VERDICT_SIGNS = { failed: "✖", bad: "✖", look: "▲", good: "●" };

  /** A verdict as a badge: a sign and a word, so that colour alone says nothing. */
  function badge(verdict) {
    return element("span", { class: `badge ${verdict}` }, `${VERDICT_SIGNS[verdict]} ${VERDICT_WORDS[verdict]}`);
  }

  Object.assign(Sclimbic, {
    element, escapeText, format, shortName, announce, copyText, offerFile, loadScript, badge, VERDICT_WORDS,
  });
})(window.Sclimbic);
