// @ts-check
/** Entry module: puts the accounts dialog, the sandbox's switch and the jobs panel where ComfyUI's menus find them. */

import { app } from "../../scripts/app.js";
import { openAccountsDialog } from "./accounts_dialog.js";
import { offerWorkflows } from "./dropped_clips.js";
import { make } from "./elements.js";
import { takeDroppedClips } from "./jobs_canvas.js";
import { jobsPanel } from "./jobs_panel.js";
import { runPrice } from "./run_price.js";
import { toggleSandbox } from "./sandbox.js";
import { speak, t } from "./text.js";

const ACCOUNTS_COMMAND = "RemoteVideo.Accounts";
const SANDBOX_COMMAND = "RemoteVideo.Sandbox";

const STYLES = ["remote_video", "dialog", "panel", "editing", "node"];

function addStyles() {
  for (const name of STYLES) {
    const href = new URL(`./${name}.css`, import.meta.url).href;
    document.head.append(make("link", { rel: "stylesheet", href }));
  }
}

app.registerExtension({
  name: "RemoteVideo",
  commands: [
    {
      id: ACCOUNTS_COMMAND,
      label: () => t("Remote Video: Accounts..."),
      menubarLabel: () => t("Accounts..."),
      icon: "pi pi-key",
      function: () => openAccountsDialog(),
    },
    {
      id: SANDBOX_COMMAND,
      label: () => t("Remote Video: turn the sandbox on or off"),
      menubarLabel: () => t("Sandbox on or off"),
      icon: "pi pi-box",
      function: toggleSandbox,
    },
  ],
  menuCommands: [{ path: ["Remote Video"], commands: [ACCOUNTS_COMMAND, SANDBOX_COMMAND] }],
  async init() {
    await speak(app.ui.settings.getSettingValue("Comfy.Locale") ?? "en");
  },
  afterConfigureGraph() {
    runPrice.soon();
  },
  setup() {
    addStyles();
    takeDroppedClips();
    offerWorkflows();
    app.extensionManager.registerSidebarTab({
      id: "remote-video",
      icon: "pi pi-video",
      title: "Remote Video",
      tooltip: "Remote Video: jobs and accounts",
      type: "custom",
      render: (/** @type {HTMLElement} */ container) => jobsPanel().show(container),
      destroy: () => jobsPanel().hide(),
    });
  },
});
