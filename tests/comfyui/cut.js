// Run in a page, given our roots' selector: what is cut off or stands outside of them, in words.
(roots) => {
    const bad = [], seen = new Set();
    const name = (element) => `${element.tagName.toLowerCase()}.${element.className} "${(element.textContent || element.value || element.placeholder || "").trim().slice(0, 50)}"`;
    const note = (text) => seen.has(text) || (seen.add(text), bad.push(text));
    for (const root of document.querySelectorAll(roots)) {
        if (!root.checkVisibility()) continue;
        const around = root.getBoundingClientRect();
        for (const element of root.querySelectorAll("*")) {
            if (!element.checkVisibility({ visibilityProperty: true }) || element.closest(".read-out, .for-readers, option, video")) continue;
            const style = getComputedStyle(element);
            const isText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
            const isShort = style.textOverflow === "ellipsis" && element.closest("li.job:not(.open)");
            const scrolls = /auto|scroll/.test(style.overflowX);
            if ((isText || element.matches("input, select, button")) && !isShort && !scrolls && element.scrollWidth > element.clientWidth + 1 && style.display !== "inline")
                note(`cut: ${name(element)} ${element.scrollWidth} in ${element.clientWidth}`);
            const held = [...walk(element, root)].some((one) => /hidden|auto|scroll|clip/.test(getComputedStyle(one).overflowY));
            const box = element.getBoundingClientRect();
            if (box.width && (box.left < around.left - 1 || box.right > around.right + 1)) note(`beside: ${name(element)}`);
            if (box.height && !held && (box.top < around.top - 1 || box.bottom > around.bottom + 1)) note(`above or below: ${name(element)}`);
            if (isText && element.matches("button, .title, .mark, .price") && style.display !== "inline" && element.scrollHeight > element.clientHeight + 2 && element.clientHeight)
                note(`too low: ${name(element)} ${element.scrollHeight} in ${element.clientHeight}`);
        }
        if (!root.matches("dialog") && root.parentElement?.closest(".dom-widget") && root.scrollHeight > root.parentElement.clientHeight + 2)
            note(`higher than its widget: ${name(root)} ${root.scrollHeight} in ${root.parentElement.clientHeight}`);
    }
    function* walk(element, root) { for (let one = element.parentElement; one && one !== root.parentElement; one = one.parentElement) yield one; }
    return bad;
}
