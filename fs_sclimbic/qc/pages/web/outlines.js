// Thin outlines of the labels over NiiVue's planes: lines between voxels, which NiiVue fills only.
"use strict";

(function (Sclimbic) {
  const LINE_CSS_PIXELS = 1.4;
  const SHADE_CSS_PIXELS = 2.6; // a dark line below, so that pale colours show on white matter
  const SHADE = "rgb(0 0 0 / 0.5)";
  const INSET = 0.09; // voxels, so that two structures that touch both show their line
  // The axis that a plane is perpendicular to, and the axes along its columns and rows: axial, coronal, sagittal.
  const PLANES = [
    { through: 2, across: 0, up: 1, ends: ["L", "R"] }, { through: 1, across: 0, up: 2, ends: ["L", "R"] }, { through: 0, across: 1, up: 2, ends: ["P", "A"] },
  ];
  const FONT_CSS_PIXELS = 15;
  const SIDES = [[-1, 0, 0, 0, 0, 1], [1, 0, 1, 0, 1, 1], [0, -1, 0, 0, 1, 0], [0, 1, 0, 1, 1, 1]]; // neighbour, line

  /** The lines of each label in a plane, as [x1, y1, x2, y2] in voxels from the lower left. */
  function linesOf(labels, dims, plane, index) {
    const { through, across, up } = plane;
    const stride = [1, dims[0], dims[0] * dims[1]];
    const at = (x, y) =>
      x < 0 || y < 0 || x >= dims[across] || y >= dims[up] ? 0 : labels[index * stride[through] + x * stride[across] + y * stride[up]];
    const lines = new Map();
    for (let y = 0; y < dims[up]; y += 1) {
      for (let x = 0; x < dims[across]; x += 1) {
        const label = at(x, y);
        if (!label) continue;
        if (!lines.has(label)) lines.set(label, []);
        for (const [dx, dy, x1, y1, x2, y2] of SIDES) {
          if (at(x + dx, y + dy) === label) continue;
          const [inX, inY] = [-dx * INSET, -dy * INSET];
          lines.get(label).push([x + x1 + inX, y + y1 + inY, x + x2 + inX, y + y2 + inY]);
        }
      }
    }
    return lines;
  }

  const scaleOf = (drawer) => drawer.canvas.width / drawer.canvas.clientWidth; // device pixels in one of CSS

  /** Make the canvas that lies over NiiVue's as large as that one, and empty. */
  function clear(canvas, drawer) {
    const source = drawer.canvas;
    if (canvas.width !== source.width || canvas.height !== source.height) {
      canvas.width = source.width;
      canvas.height = source.height;
    }
    canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  }

  /** Write at the edges of each plane which side of the head they are. */
  function markSides(canvas, drawer) {
    const context = canvas.getContext("2d");
    const size = FONT_CSS_PIXELS * scaleOf(drawer);
    Object.assign(context, { font: `bold ${size}px system-ui, sans-serif`, fillStyle: "#fff", strokeStyle: "#000", lineWidth: size / 4, lineJoin: "round", textBaseline: "middle", globalAlpha: 1 });
    for (const tile of drawer.screenSlices) {
      if (!PLANES[tile.axCorSag]) continue;
      const [left, top, width, height] = tile.leftTopWidthHeight;
      PLANES[tile.axCorSag].ends.forEach((letter, end) => {
        const x = end ? left + width - size * 1.1 : left + size * 0.4;
        context.strokeText(letter, x, top + height / 2);
        context.fillText(letter, x, top + height / 2);
      });
    }
  }

  /** Draw the outlines on a canvas that lies over NiiVue's. */
  function draw(canvas, drawer, colors, opacity) {
    const context = canvas.getContext("2d");
    const image = drawer.volumes[1];
    const dims = image.dimsRAS.slice(1, 4);
    const voxel = drawer.frac2vox(drawer.scene.crosshairPos);
    const { extentsMinOrtho: low, extentsMaxOrtho: high } = image;
    const stroke = (color, width) => {
      context.strokeStyle = color;
      context.lineWidth = width * scaleOf(drawer);
      context.stroke();
    };
    context.lineCap = "round";
    context.globalAlpha = opacity;
    for (const tile of drawer.screenSlices) {
      const plane = PLANES[tile.axCorSag];
      if (!plane) continue;
      const [left, top, width, height] = tile.leftTopWidthHeight;
      const size = (axis) => (high[axis] - low[axis]) / dims[axis];
      const toX = (x) => left + ((low[plane.across] + x * size(plane.across) - tile.leftTopMM[0]) / tile.fovMM[0]) * width;
      const toY = (y) => top + height - ((low[plane.up] + y * size(plane.up) - tile.leftTopMM[1]) / tile.fovMM[1]) * height;
      context.save();
      context.beginPath();
      context.rect(left, top, width, height);
      context.clip();
      for (const [label, lines] of linesOf(image.img, dims, plane, voxel[plane.through])) {
        context.beginPath();
        for (const [x1, y1, x2, y2] of lines) {
          context.moveTo(toX(x1), toY(y1));
          context.lineTo(toX(x2), toY(y2));
        }
        stroke(SHADE, SHADE_CSS_PIXELS);
        stroke(`rgb(${colors[label - 1].join(",")})`, LINE_CSS_PIXELS);
      }
      context.restore();
    }
  }

  Sclimbic.outlines = { draw, clear, markSides, linesOf, PLANES };
})(window.Sclimbic);
