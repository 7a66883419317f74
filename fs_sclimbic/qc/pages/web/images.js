// The images of the cases, each in a script of its own: pages from disk may not read other files. A few stay in memory.
"use strict";

(function (Sclimbic) {
  const { element } = Sclimbic;
  const KEPT = 4;
  const waiting = new Map(); // script -> promise
  const received = new Map(); // script -> images, the latest last

  /** Called by the script of a case; in a page that is one file there is one such script. */
  function receive(images) {
    received.set(document.currentScript.dataset.images || "inline", images);
    while (received.size > KEPT) {
      const oldest = received.keys().next().value;
      received.delete(oldest);
      waiting.delete(oldest);
    }
  }

  /** The images of a case, read if they are not here. */
  function of(one) {
    if (received.has(one.script)) return Promise.resolve(received.get(one.script));
    if (!waiting.has(one.script)) {
      waiting.set(one.script, new Promise((resolve, reject) => {
        const script = element("script", { src: one.script, "data-images": one.script });
        script.addEventListener("load", () => {
          script.remove();
          waiting.delete(one.script);
          if (received.has(one.script)) resolve(received.get(one.script));
          else reject(new Error(`${one.script} holds no images`));
        });
        script.addEventListener("error", () => {
          script.remove();
          waiting.delete(one.script);
          reject(new Error(`${one.script} is missing beside this page; the picture stays`));
        });
        document.head.append(script);
      }));
    }
    return waiting.get(one.script);
  }

  /** Read what is looked at next. */
  function prepare(one) {
    if (!one) return;
    if (one.picture) new Image().src = one.picture;
    if (one.script && Sclimbic.study.viewer) of(one).catch(() => {});
  }

  Sclimbic.images = { receive, of, prepare };
})(window.Sclimbic);
