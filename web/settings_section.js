// @ts-check
/** What else is in force: the collector, how images are shown to a provider, and where clips and the ledger are. */

import { copyButton } from "./copying.js";
import { button, make } from "./elements.js";
import { publicAddress } from "./origins.js";
import { basePath, saveSettings } from "./server.js";
import { t } from "./text.js";

/** @typedef {import("./server.js").Settings} Settings */

export function settingsSection() {
  const message = make("p", { className: "message", role: "status", id: "remote-video-settings-message" });
  const collect = make("input", {
    type: "checkbox",
    id: "remote-video-collect",
    "aria-describedby": "remote-video-collect-about",
    onchange: () => save({ collect: collect.checked }),
  });
  const collectAbout = make("p", { className: "quiet", id: "remote-video-collect-about" });
  const uploads = make("select", {
    id: "remote-video-uploads",
    "aria-describedby": "remote-video-uploads-about",
    onchange: () => save({ uploads: uploads.value }),
  });
  const shownTo = make("span", {});
  const uploadsAbout = make("p", { className: "quiet", id: "remote-video-uploads-about" });
  const offer = make("div", { className: "offer", hidden: true });
  const places = make("dl", { className: "places" });
  const element = make(
    "section",
    { className: "account settings", "aria-label": t("Settings") },
    make("div", { className: "head" }, make("h3", {}, t("Settings"))),
    make("label", { className: "choice", htmlFor: collect.id }, collect, t("Collect clips in the background")),
    collectAbout,
    make("div", { className: "entry" }, make("label", { htmlFor: uploads.id }, shownTo, uploads)),
    uploadsAbout,
    offer,
    message,
    places,
  );
  const address = publicAddress(location, basePath());

  /** @param {Settings} now */
  function show(now) {
    collect.checked = now.collect;
    collect.disabled = now.collect_variable !== null;
    collectAbout.textContent = withVariable(
      now.collect
        ? t("Every {count} second, paid clips that nobody waits for are looked for and saved where their nodes would have saved them.|Every {count} seconds, paid clips that nobody waits for are looked for and saved where their nodes would have saved them.", {
            count: now.collect_every_s,
          })
        : t("Paid clips that nobody waits for stay at the provider until their node is run again; providers don't keep clips forever."),
      now.collect_variable,
    );
    shownTo.textContent = t("Images are shown to {providers}", { providers: now.shown_to.join(", ") });
    uploads.replaceChildren(...now.transports.map((name) => option(name, now)));
    uploads.value = now.uploads;
    uploads.disabled = now.uploads_variable !== null;
    uploadsAbout.textContent = withVariable(aboutUploads(now), now.uploads_variable);
    showOffer(now);
    places.replaceChildren(
      ...place(t("Clips"), now.clips),
      ...place(t("Record of paid jobs"), now.ledger),
      ...place(t("Keys and settings"), now.home),
    );
  }

  /** @param {Settings} now */
  function showOffer(now) {
    const isInForce = now.uploads === "public-origin" && now.public_origin === address;
    offer.hidden = address === null || isInForce || now.uploads_variable !== null || now.public_origin_variable !== null;
    if (offer.hidden || address === null) return;
    offer.replaceChildren(
      make(
        "p",
        {},
        [
          t("This page was opened at {address}.", { address }),
          ...now.unpromised_by.map((provider) =>
            t("{provider}'s pages ask for addresses that a plain GET can fetch; images inside the request are what its own nodes send, and are promised nowhere.", { provider }),
          ),
        ].join(" "),
      ),
      button(t("Show images at {address}", { address }), () => save({ uploads: "public-origin", public_origin: address })),
    );
  }

  /** @param {Parameters<typeof saveSettings>[0]} chosen */
  async function save(chosen) {
    try {
      show(await saveSettings(chosen));
      tell(t("Saved."));
    } catch (error) {
      tell(/** @type {Error} */ (error).message, true);
    }
  }

  /** @param {string} text @param {boolean} [isError] */
  function tell(text, isError = false) {
    message.textContent = text;
    message.classList.toggle("error", isError);
  }

  return { element, show, fail: (/** @type {Error} */ error) => tell(error.message, true) };
}

/** @param {string} text @param {string | null} variable */
const withVariable = (text, variable) => (variable ? `${text} ${t("Set by {variable}.", { variable })}` : text);

/** @param {string} name @param {Settings} now */
function option(name, now) {
  /** @type {Record<string, string>} */
  const names = {
    "data-uri": t("inside the request"),
    s3: t("from an S3 bucket"),
    "public-origin": t("from this ComfyUI's own address"),
  };
  const isReady = name === "s3" ? now.s3_bucket !== null : name === "public-origin" ? now.public_origin !== null : true;
  return make("option", { value: name, disabled: !isReady && now.uploads !== name }, names[name] ?? name);
}

/** @param {Settings} now */
function aboutUploads({ uploads, public_origin, s3_bucket, in_request }) {
  if (uploads === "s3")
    return t("They are uploaded to the bucket {bucket} under random names, and deleted when the job has ended.", { bucket: s3_bucket ?? "" });
  if (uploads === "public-origin")
    return t("They are in ComfyUI's temp folder under random names until the job has ended, at {address}. That address must be reachable without a login.", {
      address: public_origin ?? "",
    });
  return [
    t("Nothing to set up, and nothing left behind."),
    ...in_request.map((provider) => t("{provider} takes files in the request, whatever is chosen here.", { provider })),
  ].join(" ");
}

/** @param {string} name @param {string} path @returns {Node[]} */
function place(name, path) {
  const text = make("code", {}, path);
  return [make("dt", {}, name), make("dd", {}, text, copyButton(text, t("Copy the path: {name}", { name })))];
}
