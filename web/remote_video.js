// @ts-check
/** Entry module: puts the accounts dialog and the jobs panel where ComfyUI's menus find them. */

import { app } from "../../scripts/app.js";
import { openAccountsDialog } from "./accounts_dialog.mjs";
import { JobsPanel } from "./jobs_panel.mjs";

const ACCOUNTS_COMMAND = "RemoteVideo.Accounts";

function addStyles() {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("./remote_video.css", import.meta.url).href;
  document.head.append(link);
}

app.registerExtension({
  name: "RemoteVideo",
  commands: [
    {
      id: ACCOUNTS_COMMAND,
      label: "Remote Video: Accounts...",
      menubarLabel: "Accounts...",
      icon: "pi pi-key",
      function: () => openAccountsDialog(),
    },
  ],
  menuCommands: [{ path: ["Remote Video"], commands: [ACCOUNTS_COMMAND] }],
  setup() {
    addStyles();
    const panel = new JobsPanel();
    app.extensionManager.registerSidebarTab({
      id: "remote-video",
      icon: "pi pi-video",
      title: "Remote Video",
      tooltip: "Remote Video: jobs and accounts",
      type: "custom",
      render: (/** @type {HTMLElement} */ container) => panel.show(container),
      destroy: () => panel.hide(),
    });
  },
});
