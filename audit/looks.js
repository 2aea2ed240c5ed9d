// What a machine can see of a page without axe. Each returns the faults that it finds, as lines.
window.looks = (() => {
  const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const told = (element) => element.outerHTML.replace(/\s+/g, " ").replace(/[0-9a-f]{8}-[0-9a-f-]{27,}/g, "…").slice(0, 110);
  const focusable = () => [...document.querySelectorAll("a[href], button, summary, input, select, textarea, [tabindex='0']")]
    .filter((element) => shown(element) && !element.matches("input[type=hidden], :disabled"))
    .filter((element) => !document.querySelector(":modal") || element.closest(":modal"));

  function sideways() {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth ? [`scrolls sideways by ${scrollWidth - clientWidth} px`] : [];
  }

  // Words cut off by the box they stand in.
  function cut() {
    return [...document.querySelectorAll("body *")]
      .filter((element) => shown(element) && !element.closest(".visually-hidden, svg, dialog:not([open])"))
      .filter((element) => [...element.childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim()))
      .filter((element) => !element.matches("input, textarea, select, option"))
      .filter((element) => {
        const { overflowX, overflowY, textOverflow, webkitLineClamp } = getComputedStyle(element);
        const hides = (overflow) => overflow === "hidden" || overflow === "clip";
        const isWide = hides(overflowX) && element.scrollWidth > element.clientWidth + 1;
        // An extract ends with its dots, and the whole is behind the link above it.
        const isHigh = webkitLineClamp === "none" && hides(overflowY) && element.scrollHeight > element.clientHeight + 2;
        return element.clientWidth > 1 && ((isWide && textOverflow !== "ellipsis") || isHigh);
      })
      .map((element) => `words are cut off: ${told(element)}`);
  }

  // What of a box its own scrollers and clippers show: words for the ear alone are nowhere.
  function visiblePart(element, { left, top, right, bottom }) {
    for (let at = element; at && at !== document.body; at = at.parentElement) {
      const { clipPath, overflow } = getComputedStyle(at);
      if (clipPath !== "none") return { left, top, right: left, bottom: top, element };
      if (overflow === "visible") continue;
      const box = at.getBoundingClientRect();
      [left, right] = [Math.max(left, box.left), Math.min(right, box.right)];
      [top, bottom] = [Math.max(top, box.top), Math.min(bottom, box.bottom)];
    }
    return { left, top, right, bottom, element };
  }
  function wordBoxes() {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT, ({ data }) =>
      data.trim() ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_REJECT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!shown(element) || stays(element) || element.closest(".visually-hidden, option, dialog:not([open])")) continue;
      const range = document.createRange();
      range.selectNodeContents(walker.currentNode);
      found.push(...[...range.getClientRects()].map((box) => visiblePart(element, box))
        .filter(({ left, top, right, bottom }) => right - left > 2 && bottom - top > 2));
    }
    return found.sort((one, other) => one.top - other.top);
  }

  // Words that lie on others.
  function crossing() {
    if (document.querySelector(":modal")) return [];
    const boxes = wordBoxes();
    return boxes.flatMap((one, n) => {
      const faults = [];
      for (const other of boxes.slice(n + 1)) {
        if (other.top >= one.bottom) break;
        const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const height = Math.min(one.bottom, other.bottom) - other.top;
        const least = Math.min(one.bottom - one.top, other.bottom - other.top);
        if (one.element !== other.element && width > 3 && height > 0.5 * least) {
          faults.push(`words lie on others: ${told(one.element)} and ${told(other.element)}`);
        }
      }
      return faults;
    });
  }

  // A page or a form of some letters' width cannot be read, however well it wraps.
  function strait() {
    const least = 10 * parseFloat(getComputedStyle(document.documentElement).fontSize);
    return [...document.querySelectorAll("main, main form:has(textarea), main table")]
      .filter((element) => shown(element) && element.getBoundingClientRect().width < Math.min(least, innerWidth / 2))
      .map((element) => `is ${Math.round(element.getBoundingClientRect().width)} px wide: ${told(element)}`);
  }

  const stays = (element) => {
    for (let at = element; at; at = at.parentElement) {
      if (["fixed", "sticky"].includes(getComputedStyle(at).position)) return true;
    }
    return false;
  };

  // How much of the window is left to read in, under whatever stays in place.
  function room(least) {
    scrollTo(0, document.documentElement.scrollHeight / 2);
    const heights = Array.from({ length: 50 }, (_, n) => ((n + 0.5) * innerHeight) / 50);
    const free = heights.filter((y) => !stays(document.elementFromPoint(innerWidth / 2, y))).length / 50;
    scrollTo(0, 0);
    if (document.querySelector(":modal")) return [];
    return free < least ? [`only ${Math.round(free * 100)} % of the window is left to read in`] : [];
  }

  // 2.4.7, 2.4.11, 1.4.11. An open menu is first: it closes when the focus leaves it.
  function focus() {
    const faults = [];
    const isInMenu = (element) => Boolean(element.closest(".menu[open]"));
    for (const element of focusable().sort((one, other) => isInMenu(other) - isInMenu(one))) {
      element.focus({ preventScroll: false });
      if (document.activeElement !== element) {
        faults.push(`does not take the focus: ${told(element)}`);
        continue;
      }
      const marked = [element, element.labels?.[0], element.parentElement].find((each) => {
        if (!each) return false;
        const { outlineStyle, outlineWidth } = getComputedStyle(each);
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
      });
      if (!marked) faults.push(`does not show the focus: ${told(element)}`);
      const boxes = [...(element.labels?.[0]?.getClientRects() ?? []), ...element.getClientRects()];
      const points = boxes.flatMap(({ x, y, width, height }) =>
        [0.15, 0.5, 0.85].flatMap((across) => [0.15, 0.5, 0.85].map((down) => [x + width * across, y + height * down])));
      const isSeen = points.some(([x, y]) => {
        const over = document.elementFromPoint(x, y);
        return over && (element.contains(over) || over.contains(element) || element.labels?.[0]?.contains(over));
      });
      if (!isSeen) faults.push(`is hidden while it has the focus: ${told(element)}`);
      if (marked) {
        const { outlineColor } = getComputedStyle(marked);
        const ratio = contrast(outlineColor, ground(marked.parentElement));
        if (ratio < 3) faults.push(`the mark of the focus has ${ratio.toFixed(1)}:1: ${told(element)}`);
      }
    }
    document.activeElement?.blur();
    return faults;
  }

  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  function figures(colour, under = [255, 255, 255]) {
    canvas.globalCompositeOperation = "copy";
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b].map((part, n) => part * (a / 255) + under[n] * (1 - a / 255));
  }
  function ground(element) {
    if (!element) return figures(getComputedStyle(document.documentElement).backgroundColor);
    const { backgroundColor } = getComputedStyle(element);
    if (/, 0\)$|\/ 0\)$|^transparent$/.test(backgroundColor)) return ground(element.parentElement);
    return figures(backgroundColor, ground(element.parentElement));
  }
  function luminance(colour) {
    const [r, g, b] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  function contrast(colour, under) {
    const [light, dark] = [luminance(figures(colour, under)), luminance(under)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  }

  // 1.4.11: a field is seen by its border, or by a ground of its own.
  function controls() {
    return [...document.querySelectorAll("input, select, textarea")]
      .filter((element) => shown(element) && !element.matches("[type=hidden], :disabled, .visually-hidden"))
      .filter((element) => getComputedStyle(element).appearance === "none" || !element.matches("[type=radio], [type=checkbox], [type=file]"))
      .filter((element) => element.getBoundingClientRect().width > 2)
      .map((element) => {
        const { borderTopColor, borderTopWidth, backgroundColor } = getComputedStyle(element);
        const under = ground(element.parentElement);
        const border = parseFloat(borderTopWidth) ? contrast(borderTopColor, under) : 1;
        return [Math.max(border, contrast(backgroundColor, under)), element];
      })
      .filter(([ratio]) => ratio < 3)
      .map(([ratio, element]) => `a field stands out by ${ratio.toFixed(1)}:1: ${told(element)}`);
  }

  function moving() {
    return document.getAnimations()
      .filter(({ playState, effect }) => playState === "running" && effect.getComputedTiming().duration > 100)
      .map((each) => `${each.transitionProperty ?? each.animationName} moves though motion is reduced: ${told(each.effect.target)}`);
  }

  return { sideways, cut, crossing, strait, room, focus, controls, moving };
})();
