// @ts-check
/** Whether a provider could fetch from the address that the page was opened at. No page and no ComfyUI here. */

const PRIVATE_NAME = /(^|\.)(localhost|local|internal|lan|home|home\.arpa|test|invalid|example)$/;
const PRIVATE_V4 = /^(0|10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./;
const V4 = /^\d+\.\d+\.\d+\.\d+$/;
const PUBLIC_V6 = /^\[[23]/;

/**
 * The address that images could be fetched from, or null: it has to be https, and nothing in its name may say that it is
 * known in one network only. Whether it asks for a login can't be seen from here.
 *
 * @param {{protocol: string, hostname: string, origin: string}} page `location`
 * @param {string} base the path that ComfyUI is served under, "" or "/path"
 * @returns {string | null}
 */
export function publicAddress({ protocol, hostname, origin }, base) {
  if (protocol !== "https:") return null;
  const host = hostname.toLowerCase();
  const isPublic = host.startsWith("[")
    ? PUBLIC_V6.test(host)
    : V4.test(host)
      ? !PRIVATE_V4.test(host)
      : host.includes(".") && !PRIVATE_NAME.test(host);
  return isPublic ? origin + base.replace(/\/+$/, "") : null;
}
