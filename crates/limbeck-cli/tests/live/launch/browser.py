"""Looks at the page in Chromium: `browser.py CHROMIUM URL FOLDER`; prints what it has seen, and puts pictures into the folder."""
import pathlib
import re
import sys
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

CHROMIUM, URL, FOLDER = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
ORIGIN = "%s://%s" % urlsplit(URL)[:2]

LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1180, "height": 860}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1180, "height": 860}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True},
    "narrow": {"color_scheme": "dark", "viewport": {"width": 360, "height": 640}, "is_mobile": True, "has_touch": True},
}

# Each text, whose contrast with what is behind it is less than 4.5.
FAINT = """() => {
  const light = ([r, g, b]) => {
    const part = (value) => ((value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const color = numbers(getComputedStyle(element).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.checkVisibility() || element.closest("script")) continue;
    const pair = [light(numbers(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) faint.push([texts.currentNode.data, contrast]);
  }
  return faint;
}"""

# What somebody would miss who hears the page or moves through it with the keyboard.
MUTE = """() => {
  const found = [];
  const one = (what) => { if (document.querySelectorAll(what).length !== 1) found.push("not one " + what); };
  ["h1", "header", "main", "footer", "meta[name=viewport]", "html[lang]"].forEach(one);
  const levels = [...document.querySelectorAll("h1, h2, h3")].map((heading) => +heading.tagName[1]);
  levels.forEach((level, place) => { if (level > (levels[place - 1] ?? 0) + 1) found.push("a level is left out"); });
  for (const picture of document.querySelectorAll("svg"))
    if (picture.getAttribute("aria-hidden") !== "true" && !picture.getAttribute("aria-label")) found.push(picture.outerHTML);
  for (const section of document.querySelectorAll("section"))
    if (!document.getElementById(section.getAttribute("aria-labelledby"))) found.push(section.id + " has no name");
  for (const block of document.querySelectorAll("pre"))
    if (block.tabIndex !== 0 || !block.ariaLabel) found.push("a block that scrolls can't be reached");
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  if (new Set(ids).size !== ids.length) found.push("an id is there twice");
  for (const link of document.querySelectorAll('a[href^="#"]'))
    if (!document.getElementById(link.getAttribute("href").slice(1))) found.push(link.outerHTML);
  return found;
}"""


def expect(what, so):
    if not so:
        raise AssertionError(what)


def tell(what):
    print(what, flush=True)


class Watched:
    """A page of which everything is noted that it complains of or asks for."""

    def __init__(self, browser, **look):
        self.context = browser.new_context(**look)
        self.page = self.context.new_page()
        self.complaints = []
        self.asked = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        answer = self.page.goto(URL)
        expect("status %s" % answer.status, answer.status == 200)

    def is_fit(self, name):
        expect("%s complains: %s" % (name, self.complaints), not self.complaints)
        elsewhere = [url for url in self.asked if not url.startswith((ORIGIN + "/", "data:"))]
        expect("%s asks for %s" % (name, elsewhere), not elsewhere)
        # What is wider than a phone makes its `innerWidth` larger, too.
        width = self.page.evaluate("document.documentElement.scrollWidth")
        expect("%s is wider than the screen: %s" % (name, width), width <= self.page.viewport_size["width"])
        faint = self.page.evaluate(FAINT)
        expect("%s is faint: %s" % (name, faint), not faint)
        mute = self.page.evaluate(MUTE)
        expect("%s is mute: %s" % (name, mute), not mute)


def looks(browser):
    """Each look at the migration that waits, with the SQL of what is pending, and its picture."""
    for name, look in LOOKS.items():
        watched = Watched(browser, **look)
        page = watched.page
        page.wait_for_selector("details.sql pre", state="attached", timeout=60_000)
        expect("the title", page.title() == "Migrating · fastapi-shop")
        page.locator("#sql-r-c35e82f7190d summary").click()
        # Open as it is, an update must leave it so.
        page.wait_for_timeout(1500)
        expect("it was closed", page.locator("#sql-r-c35e82f7190d pre").is_visible())
        watched.is_fit(name)
        if name == "phone":
            # More of the page is seen so.
            page.locator("#sql-r-c35e82f7190d summary").click()
        if name != "narrow":
            page.screenshot(path=FOLDER / ("page-%s.png" % name))
        page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
        watched.is_fit("%s, all open" % name)
        watched.context.close()


def without_script(browser):
    """All is there without the script, and the browser asks again by itself."""
    watched = Watched(browser, java_script_enabled=False)
    text = watched.page.inner_text("main")
    for part in ["Migrating", "Step 2 of 8", "addresses", "c35e82f7190d", "uvicorn", "Pending"]:
        expect("without script: no %s in %s" % (part, text), part in text)
    watched.page.wait_for_event("framenavigated", timeout=20_000)
    watched.context.close()


def by_keyboard(browser):
    """The first stop skips to the revisions, and what is folded opens with the keyboard."""
    watched = Watched(browser)
    page = watched.page
    page.wait_for_selector("details.sql", state="attached")
    page.keyboard.press("Tab")
    expect("the first stop", page.evaluate("document.activeElement.className") == "skip")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('details.sql summary')"):
            break
    page.keyboard.press("Enter")
    expect("nothing opens", page.evaluate("document.activeElement.parentElement.open"))
    watched.context.close()


def while_things_go(browser):
    """What leaves the list of what is pending takes neither the focus from the others, nor what is open."""
    watched = Watched(browser)
    page = watched.page
    page.wait_for_selector("details.sql pre", state="attached")
    summary = page.locator("#sql-r-e71f5a0c9d46 summary")
    summary.focus()
    summary.press("Enter")

    def without_first(route):
        answer = route.fetch(url=URL + "?parts=")
        first = r'<details[^>]* id="sql-r-c35e82f7190d".*?</details>'
        text, count = re.subn(first, "", answer.text(), flags=re.DOTALL)
        expect("the first one was not there", count == 1)
        route.fulfill(response=answer, body=text)

    page.route(re.compile(r"parts="), without_first)
    page.wait_for_selector("#sql-r-c35e82f7190d", state="detached")
    focused = page.evaluate("document.activeElement.closest('details')?.id")
    expect("the focus is lost: %s" % focused, focused == "sql-r-e71f5a0c9d46")
    expect("it was closed", page.locator("#sql-r-e71f5a0c9d46 pre").is_visible())
    watched.context.close()


def main():
    with sync_playwright() as playwright:
        # The tests run as root in containers, where Chromium's own sandbox does not.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        looks(browser)
        without_script(browser)
        by_keyboard(browser)
        while_things_go(browser)
        watched = Watched(browser, viewport={"width": 800, "height": 500})
        page = watched.page
        page.wait_for_selector("details.sql pre", state="attached", timeout=60_000)
        page.evaluate("window.marker = 1")
        page.locator("#probe-list, #sql-r-4d08b6f2e7a1").first.evaluate("(details) => { details.open = true; }")
        oldest = page.locator("#r-5c1e0a9d3f27 .doc")
        oldest.scroll_into_view_if_needed()
        oldest.select_text()
        selected = page.evaluate("getSelection().toString()")
        expect("nothing is selected", selected)
        expect("nothing is scrolled", page.evaluate("scrollY") > 0)
        seen_at = oldest.bounding_box()["y"]
        before = page.inner_text("#progress")
        page.wait_for_function("(before) => document.querySelector('#progress').innerText !== before", arg=before)
        expect("the marks while it migrates", page.locator("li.row.running").count() == 1)
        expect("the selection is lost", page.evaluate("getSelection().toString()") == selected)
        expect("the place is lost", abs(oldest.bounding_box()["y"] - seen_at) < 4)
        expect("it was closed", page.locator("#sql-r-4d08b6f2e7a1").evaluate("(details) => details.open"))
        tell("migrating")

        page.wait_for_function("() => document.querySelector('h1').innerText === 'Ready'", timeout=60_000)
        page.wait_for_function("() => document.querySelectorAll('li.row.pending').length === 0")
        expect("it was loaded anew", page.evaluate("window.marker") == 1)
        expect("the title", page.title() == "Ready · fastapi-shop")
        expect("the selection is lost", page.evaluate("getSelection().toString()") == selected)
        current = page.locator("li.row.current")
        expect("the current one", current.get_attribute("id") == "r-4d08b6f2e7a1")
        page.wait_for_selector("#probes .strip rect")
        watched.is_fit("ready")
        tell("ready")

        # Whoever looked must learn that what they see is old; the browser's own complaint is in order.
        page.wait_for_selector("#stale", state="visible", timeout=60_000)
        tell("gone")
        browser.close()


main()
