// @ts-check
/** Building the page. Data becomes text or an attribute, never markup. */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [properties] `on<event>` is a listener, a name with a dash an attribute, else a property
 * @param {...(Node | string | null | false | undefined)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role") element.setAttribute(name, String(value));
    else Object.assign(element, { [name]: value });
  }
  element.append(...children.filter((child) => child instanceof Node || typeof child === "string"));
  return element;
}

/**
 * @param {string} label
 * @param {() => unknown} act
 * @param {Record<string, any>} [properties]
 */
export function button(label, act, properties = {}) {
  return make("button", { type: "button", onclick: act, ...properties }, label);
}
