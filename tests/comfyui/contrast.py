"""Contrast as WCAG 2.2 computes it, of all that the pack shows on a page but what a canvas draws."""

from __future__ import annotations

MEASURE = r"""() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (text) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = text;
        canvas.fillRect(0, 0, 1, 1);
        const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
        return [red, green, blue, alpha / 255];
    };
    const over = (front, back) => [...[0, 1, 2].map((i) => front[i] * front[3] + back[i] * (1 - front[3])), 1];
    const ground = (element) => {
        const layers = [];
        for (let one = element; one; one = one.parentElement) {
            if (one.matches(".dom-widget")) layers.push(rgba(LiteGraph.NODE_DEFAULT_BGCOLOR));  // what the canvas draws
            if (layers.at(-1)?.[3] === 1) break;
            const style = getComputedStyle(one);
            const stripes = style.backgroundImage.match(/rgb\([^)]*\)/g);
            layers.push(rgba(stripes ? stripes.at(-1) : style.backgroundColor));
            if (layers.at(-1)[3] === 1) break;
        }
        return layers.reverse().reduce((back, front) => over(front, back), [0, 0, 0, 1]);
    };
    const light = (colour) => {
        const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        const [red, green, blue] = colour.map((value) => linear(value / 255));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ratio = (one, other) => {
        const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    const bad = [], worst = {};
    const on = (colour, back) => ratio(over(rgba(colour), back), back);
    const note = (kind, what, value, least) => {
        worst[kind] = Math.min(worst[kind] ?? 99, value);
        if (value < least) bad.push(`${kind} of ${what}: ${value.toFixed(2)}`);
    };
    for (const element of document.querySelectorAll(".remote-video, .remote-video *")) {
        if (!element.getClientRects().length || element.closest(".for-readers, .read-out")) continue;
        const style = getComputedStyle(element), back = ground(element);
        const name = (element.textContent || element.id || element.tagName).trim().slice(0, 30);
        const texts = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
        const is_text = texts.some((node) => node.textContent.trim());
        if (is_text && !element.disabled) note("text", name, on(style.color, back), 4.5);
        if (element.matches("input:not([type=checkbox]), select, button:not(.thumb):enabled")) {
            const outside = ground(element.parentElement);
            note("border", name, Math.max(on(style.borderTopColor, outside), ratio(back, outside)), 3);
        }
        if (element.matches("input[placeholder]"))
            note("placeholder", name, on(getComputedStyle(element, "::placeholder").color, back), 4.5);
        if (element.matches(".state"))
            note("dot", name, on(getComputedStyle(element, "::before").backgroundColor, back), 3);
        if (element.matches(".error:not(:empty), .item:not([data-phase=working]), .message.error, .sandbox.notice"))
            note("mark", name, on(style.borderInlineStartColor, back), 3);
        if (element.matches(".pi") && element.getClientRects().length)
            note("icon", element.className, on(style.color, back), 3);
        if (element.matches(".job[data-state=submitted]"))
            note("progress", name, on(getComputedStyle(element, "::after").backgroundColor, back), 3);
        if (element.matches(".job.open, li[aria-selected=true], .mark")) {
            const outside = ground(element.parentElement);
            note("chosen", name, Math.max(on(style.borderInlineStartColor, outside), ratio(back, outside)), 3);
        }
        if (element.matches("progress")) {
            note("progress", name, on(style.color, back), 3);
            note("progress", name, on(style.borderTopColor, ground(element.parentElement)), 3);
        }
    }
    return { worst, bad };
}"""
"""Run in a page: {worst: the least ratio by kind, bad: what falls short of AA, in words}."""
