// Three planes of a case, drawn by NiiVue. Without WebGL, or without NiiVue, the picture of the case stays.
"use strict";

(function (Sclimbic) {
  const { element, format } = Sclimbic;
  const ZOOM_STEP = 1.25;
  const MAX_ZOOM = 6;
  const OPACITY_STEP = 0.1;
  const PLAIN = { logLevel: "error", show3Dcrosshair: false, multiplanarShowRender: 0, multiplanarLayout: 0 };
  const ARROWS = {
    ArrowLeft: [-1, 0, 0], ArrowRight: [1, 0, 0], ArrowUp: [0, 1, 0], ArrowDown: [0, -1, 0], PageUp: [0, 0, 1], PageDown: [0, 0, -1],
  };

  let drawer = null; // NiiVue's object; it lives as long as the page
  let problem = ""; // why there is no viewer
  let holder = null;
  let posteriors = null;
  let images = null; // of the case that is shown
  let shownCase = null;
  const look = { overlay: true, outline: true, opacity: { outline: 1, fill: 0.5 } };
  const mode = () => (look.outline ? "outline" : "fill");
  const listeners = [];

  const hasWebGl = () => Boolean(document.createElement("canvas").getContext("webgl2"));

  /** The viewer's elements, made once and put where they are wanted. */
  function place() {
    if (holder) return holder;
    holder = element("figure", { class: "viewer" },
      element("div", { class: "viewer-tools", role: "group", "aria-label": "Viewer" },
        element("button", { type: "button", id: "overlay", "aria-pressed": "true", onclick: toggleOverlay }, "Labels ", element("kbd", {}, "o")),
        element("button", { type: "button", id: "outline", "aria-pressed": "true", onclick: toggleOutline }, "Outline ", element("kbd", {}, "l")),
        element("label", {}, "Opacity ", element("input", {
          type: "range", id: "opacity", min: 0, max: 1, step: OPACITY_STEP, value: look.opacity.outline,
          oninput: (event) => { look.opacity[mode()] = Number(event.target.value); apply(); },
        })),
        element("button", { type: "button", id: "reset-view", onclick: resetView }, "Whole view ", element("kbd", {}, "0"))),
      element("div", { class: "canvas-place" },
        element("canvas", { id: "viewer-canvas", tabindex: 0, role: "img", "aria-label": "Three planes of the head with labels. Arrow keys, Page Up and Page Down move the crosshair." }),
        element("canvas", { id: "outline-canvas", "aria-hidden": "true" })),
      element("figcaption", {}, element("output", { id: "under-cursor" }), element("span", { class: "fine", id: "viewer-notes" })),
    );
    return holder;
  }

  async function start() {
    if (drawer || problem) return;
    if (!Sclimbic.study.viewer) problem = Sclimbic.study.viewerProblem || "These pages were made without the viewer.";
    else if (!hasWebGl()) problem = "This browser has no WebGL 2: the viewer is left out. The picture above shows the same labels.";
    if (problem) return;
    try {
      if (!window.niivue) await Sclimbic.loadScript(Sclimbic.study.viewer);
      const made = new window.niivue.Niivue({
        ...PLAIN, backColor: [0, 0, 0, 1], crosshairColor: [1, 1, 1, 0.75], crosshairWidth: 0.35, crosshairGap: 6, isOrientationTextVisible: false, loadingText: "", isOrientCube: false,
        dragAndDropEnabled: false, viewModeHotKey: "", clipPlaneHotKey: "", cycleClipPlaneHotKey: "", fontMinPx: 11, isRuler: false,
      });
      await made.attachToCanvas(holder.querySelector("canvas"), false);
      made.setSliceType(made.sliceTypeMultiplanar);
      made.onLocationChange = onLocation;
      // Whatever makes NiiVue draw (a click, the wheel, another size of the window) moves the outlines too.
      const drawScene = made.drawScene.bind(made);
      made.drawScene = (...given) => {
        const drawn = drawScene(...given);
        drawOutlines();
        return drawn;
      };
      drawer = made;
    } catch (error) {
      problem = `The viewer did not start (${error.message}). The picture above shows the same labels.`;
    }
  }

  /** Show a case. `isCurrent` says whether it is still the one that is wanted when its images have come. */
  async function show(one, isCurrent) {
    shownCase = null;
    say("");
    await start();
    if (!isCurrent()) return;
    holder.classList.toggle("without", Boolean(problem) || !one.script);
    if (problem || !one.script) {
      say(problem || "no images of this case");
      return;
    }
    say("reading ...");
    let found;
    try {
      found = await Sclimbic.images.of(one);
    } catch (error) {
      if (isCurrent()) say(error.message);
      return;
    }
    if (!isCurrent()) return;
    const { NVImage } = window.niivue;
    const load = (base64, name, more) => NVImage.loadFromBase64({ base64, name: `${name}.nii.gz`, ...more });
    const gray = await load(found.gray, "T1", { colormap: "gray", cal_min: 0, cal_max: 255 });
    const labels = await load(found.labels, "labels", { opacity: look.opacity.fill });
    const winning = found.posteriors ? await load(found.posteriors, "posteriors", {}) : null;
    if (!isCurrent()) return;
    labels.setColormapLabel(colorsOf(found.structures));
    while (drawer.volumes.length) drawer.removeVolume(drawer.volumes[0]);
    drawer.addVolume(gray);
    drawer.addVolume(labels);
    [images, posteriors, shownCase] = [found, winning, one];
    document.getElementById("viewer-notes").textContent = found.notes.join("; ");
    holder.dataset.case = one.name;
    resetView();
    apply();
    goTo(Sclimbic.review.target()) || goTo(firstWithVoxels(one));
  }

  /** The structure to begin with: the first one with a flag, else the first one there is. */
  function firstWithVoxels(one) {
    const names = [...one.flags.map((flag) => flag.structure), ...images.structures.map((structure) => structure.name)];
    return names.find((name) => name && centerOf(name)) || null;
  }

  function colorsOf(structures) {
    const channel = (index) => [0, ...structures.map((structure) => structure.rgb[index])];
    return {
      R: channel(0), G: channel(1), B: channel(2), A: [0, ...structures.map(() => 255)],
      I: [0, ...structures.map((_, index) => index + 1)], labels: ["", ...structures.map((structure) => structure.name)],
    };
  }

  const centerOf = (name) => {
    const index = images.structures.findIndex((structure) => structure.name === name);
    return index < 0 ? null : images.centers[index];
  };

  /** Move the crosshair to the middle of a structure; whether that was possible. */
  function goTo(name) {
    const center = drawer && images && shownCase && name ? centerOf(name) : null;
    if (!center) return false;
    drawer.scene.crosshairPos = drawer.vox2frac(center);
    drawer.createOnLocationChange();
    drawer.drawScene();
    return true;
  }

  function onLocation(where) {
    if (!images) return;
    const number = Math.round(where.values[1] ? where.values[1].value : 0);
    const structure = images.structures[number - 1];
    const voxel = Array.from(where.vox).slice(0, 3);
    const posterior = structure && posteriors ? posteriors.getValue(...voxel) / 255 : null;
    const ras = rasOf(voxel);
    const place = ras.map((mm) => format(mm, 1)).join(", ");
    say([structure ? structure.name : "no structure", posterior === null ? null : `posterior ${format(posterior, 2)}`, `RAS ${place} mm`].filter(Boolean).join(" · "));
    holder.dataset.position = place;
    listeners.forEach((listen) => listen(ras));
  }

  /** Scanner RAS of a voxel. NiiVue's own is off where the axes are oblique: it shows planes along the voxels. */
  const rasOf = (voxel) => images.vox2ras.map((row) => row[0] * voxel[0] + row[1] * voxel[1] + row[2] * voxel[2] + row[3]);

  const say = (text) => { document.getElementById("under-cursor").textContent = text; };

  function apply() {
    if (!drawer || drawer.volumes.length < 2) return;
    drawer.setOpacity(1, look.overlay && !look.outline ? look.opacity.fill : 0);
    drawer.drawScene();
    const press = (id, on) => document.getElementById(id).setAttribute("aria-pressed", String(on));
    press("overlay", look.overlay);
    press("outline", look.outline);
    document.getElementById("opacity").value = look.opacity[mode()];
  }

  function toggleOverlay() {
    look.overlay = !look.overlay;
    apply();
  }

  function toggleOutline() {
    look.outline = !look.outline;
    apply();
  }

  function changeOpacity(steps) {
    look.opacity[mode()] = Math.min(1, Math.max(0, look.opacity[mode()] + steps * OPACITY_STEP));
    apply();
  }

  function drawOutlines() {
    const shown = drawer && images && drawer.volumes.length > 1 && look.overlay && look.outline;
    const canvas = document.getElementById("outline-canvas");
    if (!canvas || !images) return;
    Sclimbic.outlines.clear(canvas, drawer);
    if (shown) Sclimbic.outlines.draw(canvas, drawer, images.structures.map((one) => one.rgb), look.opacity.outline);
    Sclimbic.outlines.markSides(canvas, drawer);
  }

  function resetView() {
    if (!drawer) return;
    drawer.setPan2Dxyzmm([0, 0, 0, 1]);
  }

  /** Zoom about the crosshair. */
  function zoom(steps) {
    if (!drawer || !shownCase) return;
    const [x, y, z, before] = drawer.scene.pan2Dxyzmm;
    const after = Math.min(MAX_ZOOM, Math.max(1, before * ZOOM_STEP ** steps));
    const mm = drawer.frac2mm(drawer.scene.crosshairPos);
    const moved = [x, y, z].map((offset, axis) => (after === 1 ? 0 : offset - (after - before) * mm[axis]));
    drawer.setPan2Dxyzmm([...moved, after]);
  }

  /** Arrow keys over the canvas; whether the key was one. */
  function move(key) {
    if (!drawer || !shownCase || !ARROWS[key]) return false;
    drawer.moveCrosshairInVox(...ARROWS[key]);
    return true;
  }

  const isFocused = () => document.activeElement && document.activeElement.id === "viewer-canvas";

  Sclimbic.viewer = {
    place, show, goTo, move, isFocused, toggleOverlay, toggleOutline, changeOpacity, resetView, zoom, onMove: (listen) => listeners.push(listen),
  };
})(window.Sclimbic);
