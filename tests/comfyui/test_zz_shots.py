import os, time
import requests
from .comfy_server import ComfyServer
from .conftest import account_at
from .outcomes import *
from .test_panel import UI_READY, CHROMIUM_FLAGS
GRAPH = """
([n, wait, words]) => {
  const g = window.app.graph; g.clear();
  const img = LiteGraph.createNode('LoadImage'); img.pos=[20,80]; g.add(img);
  img.widgets.find(w=>w.name==='image').value='example.png';
  const made=[];
  for (let i=0;i<n;i++){ const c=LiteGraph.createNode('Veo3I2V'); c.pos=[420+i*440,60]; g.add(c); img.connect(0,c,c.findInputSlot('image'));
    c.widgets.find(w=>w.name==='prompt').value=words; c.widgets.find(w=>w.name==='seed').value=i;
    c.widgets.find(w=>w.name==='filename_prefix').value=words;
    c.widgets.find(w=>w.name==='wait').value=wait; made.push(c.widgets.map(w=>w.name+'='+w.value)); }
  return made;
}"""
VER = "new" if "new" in os.environ["COMFYUI_PATH"] else "old"
def test_shots(start_comfy, quick, queueing):
    from playwright.sync_api import sync_playwright
    sq = start_comfy(**account_at(queueing)); s = start_comfy(**account_at(quick))
    with sync_playwright() as p:
        b = p.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
        def opened(server, vue):
            requests.post(server._url("/api/settings/Comfy.TutorialCompleted"), json=True)
            requests.post(server._url("/api/settings/Comfy.VueNodes.Enabled"), json=vue)
            page = b.new_page(viewport={"width": 1760, "height": 900})
            page.on("pageerror", lambda e: print("PAGEERROR", e))
            page.goto(server._url("/")); page.wait_for_function(UI_READY, timeout=120_000)
            page.wait_for_timeout(1500)
            return page
        def shot(page, name):
            page.wait_for_timeout(700)
            page.screenshot(path=f"/tmp/shots/{VER}-{name}.png"); print("shot", name)
        for vue in ([False, True] if VER == "new" else [False]):
            tag = "vue" if vue else "classic"
            page = opened(sq, vue)
            print(page.evaluate(GRAPH, [3, True, f"stop {tag}"])[0])
            page.evaluate("() => {window.app.canvas.ds.scale=0.8; window.app.canvas.ds.offset=[180,60]; window.app.canvas.setDirty(true,true)}")
            n = queueing.accepted_posts
            page.evaluate("window.app.queuePrompt(0,1)")
            soon(lambda: queueing.accepted_posts == n + 3, "3")
            page.wait_for_timeout(4000); shot(page, f"{tag}-1-following")
            page.evaluate("window.app.extensionManager.command.execute('Comfy.Interrupt')")
            page.wait_for_timeout(1500); shot(page, f"{tag}-2-stopped")
            page.close()
            page = opened(s, vue)
            page.evaluate(GRAPH, [2, False, f"off {tag}"])
            page.evaluate("() => {window.app.canvas.ds.scale=0.8; window.app.canvas.ds.offset=[180,60]; window.app.canvas.setDirty(true,true)}")
            page.evaluate("window.app.queuePrompt(0,1)")
            page.wait_for_timeout(1500); shot(page, f"{tag}-3-wait-off")
            page.wait_for_timeout(6000); shot(page, f"{tag}-4-wait-off-collected")
            page.evaluate("window.app.queuePrompt(0,1)")
            page.wait_for_timeout(3000); shot(page, f"{tag}-5-wait-off-run-again")
            n = quick.accepted_posts
            page.evaluate(GRAPH, [2, True, f"killed {tag}"])
            page.evaluate("window.app.queuePrompt(0,1)")
            soon(lambda: quick.accepted_posts == n + 2, "2"); page.wait_for_timeout(500)
            s.kill(); s.start(); page.wait_for_timeout(2500); shot(page, f"{tag}-6-after-kill-reconnected")
            try: page.evaluate("window.app.extensionManager.command.execute('Workspace.ToggleSidebarTab.remote-video')")
            except Exception as e: print(e)
            shot(page, f"{tag}-7-panel-after-start")
            soon(lambda: len(clips(s, f"killed {tag}")) == 2, "clips"); shot(page, f"{tag}-8-panel-collected")
            page.close()
        b.close()
    sq.kill(); s.kill()
