"""Tests the page in Chromium: `browser.py CHROMIUM URL FOLDER`. Prints a line after each step, and saves pictures in FOLDER."""
import pathlib
import re
import sys
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

CHROMIUM, URL, FOLDER = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
ORIGIN = "%s://%s" % urlsplit(URL)[:2]

SCREENS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1180, "height": 860}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1180, "height": 860}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True},
    "narrow": {"color_scheme": "dark", "viewport": {"width": 360, "height": 640}, "is_mobile": True, "has_touch": True},
}

# Returns the texts whose contrast with their background is less than 4.5.
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

# Returns the problems for screen readers and the keyboard.
INACCESSIBLE = """() => {
  const found = [];
  const one = (selector) => { if (document.querySelectorAll(selector).length !== 1) found.push("not exactly one " + selector); };
  ["h1", "header", "main", "footer", "meta[name=viewport]", "html[lang]"].forEach(one);
  const levels = [...document.querySelectorAll("h1, h2, h3")].map((heading) => +heading.tagName[1]);
  levels.forEach((level, place) => { if (level > (levels[place - 1] ?? 0) + 1) found.push("a heading level is skipped"); });
  for (const picture of document.querySelectorAll("svg"))
    if (picture.getAttribute("aria-hidden") !== "true" && !picture.getAttribute("aria-label")) found.push(picture.outerHTML);
  for (const section of document.querySelectorAll("section"))
    if (!document.getElementById(section.getAttribute("aria-labelledby"))) found.push(section.id + " has no name");
  for (const block of document.querySelectorAll("pre"))
    if (block.tabIndex !== 0 || !block.ariaLabel) found.push("the keyboard can't reach a scrolling block");
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  if (new Set(ids).size !== ids.length) found.push("an id is not unique");
  for (const link of document.querySelectorAll('a[href^="#"]'))
    if (!document.getElementById(link.getAttribute("href").slice(1))) found.push(link.outerHTML);
  return found;
}"""


def expect(message, condition):
    if not condition:
        raise AssertionError(message)


def report_step(name):
    print(name, flush=True)


class RecordedPage:
    """A page with its console messages, errors and requests."""

    def __init__(self, browser, **options):
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.messages = []
        self.requests = []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        response = self.page.goto(URL)
        expect("status %s" % response.status, response.status == 200)

    def check(self, name):
        expect("%s has console messages: %s" % (name, self.messages), not self.messages)
        elsewhere = [url for url in self.requests if not url.startswith((ORIGIN + "/", "data:"))]
        expect("%s requests %s" % (name, elsewhere), not elsewhere)
        # Content that is wider than a phone also makes `innerWidth` larger, so `scrollWidth` is compared.
        width = self.page.evaluate("document.documentElement.scrollWidth")
        expect("%s is wider than the screen: %s" % (name, width), width <= self.page.viewport_size["width"])
        faint = self.page.evaluate(FAINT)
        expect("%s has too little contrast: %s" % (name, faint), not faint)
        inaccessible = self.page.evaluate(INACCESSIBLE)
        expect("%s is not accessible: %s" % (name, inaccessible), not inaccessible)


def check_screens(browser):
    """Checks each kind of screen during the migration, and takes the pictures."""
    for name, options in SCREENS.items():
        recorded = RecordedPage(browser, **options)
        page = recorded.page
        page.wait_for_selector("details.sql pre", state="attached", timeout=60_000)
        expect("the title", page.title() == "Migrating · fastapi-shop")
        page.locator("#sql-r-c35e82f7190d summary").click()
        # An update must not close it.
        page.wait_for_timeout(1500)
        expect("an update has closed the details", page.locator("#sql-r-c35e82f7190d pre").is_visible())
        recorded.check(name)
        if name == "phone":
            # Closed, so that the picture shows more of the page.
            page.locator("#sql-r-c35e82f7190d summary").click()
        if name != "narrow":
            page.screenshot(path=FOLDER / ("page-%s.png" % name))
        page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
        recorded.check("%s, all open" % name)
        recorded.context.close()


def check_without_script(browser):
    """Without JavaScript the page is complete, and the browser reloads it."""
    recorded = RecordedPage(browser, java_script_enabled=False)
    text = recorded.page.inner_text("main")
    for part in ["Migrating", "Step 2 of 8", "addresses", "c35e82f7190d", "uvicorn", "Pending"]:
        expect("without script: no %s in %s" % (part, text), part in text)
    recorded.page.wait_for_event("framenavigated", timeout=20_000)
    recorded.context.close()


def check_keyboard(browser):
    """The first Tab stop skips to the revisions, and the keyboard opens the details."""
    recorded = RecordedPage(browser)
    page = recorded.page
    page.wait_for_selector("details.sql", state="attached")
    page.keyboard.press("Tab")
    expect("the first Tab stop", page.evaluate("document.activeElement.className") == "skip")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('details.sql summary')"):
            break
    page.keyboard.press("Enter")
    expect("Enter does not open the details", page.evaluate("document.activeElement.parentElement.open"))
    recorded.context.close()


def check_removal(browser):
    """When a revision leaves the pending list, the others keep the focus and stay open."""
    recorded = RecordedPage(browser)
    page = recorded.page
    page.wait_for_selector("details.sql pre", state="attached")
    summary = page.locator("#sql-r-e71f5a0c9d46 summary")
    summary.focus()
    summary.press("Enter")

    def without_first(route):
        response = route.fetch(url=URL + "?parts=")
        first = r'<details[^>]* id="sql-r-c35e82f7190d".*?</details>'
        text, count = re.subn(first, "", response.text(), flags=re.DOTALL)
        expect("the first revision is missing", count == 1)
        route.fulfill(response=response, body=text)

    page.route(re.compile(r"parts="), without_first)
    page.wait_for_selector("#sql-r-c35e82f7190d", state="detached")
    focused = page.evaluate("document.activeElement.closest('details')?.id")
    expect("the focus has moved: %s" % focused, focused == "sql-r-e71f5a0c9d46")
    expect("an update has closed the details", page.locator("#sql-r-e71f5a0c9d46 pre").is_visible())
    recorded.context.close()


def main():
    with sync_playwright() as playwright:
        # The tests run as root in containers, where Chromium's sandbox does not work.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        check_screens(browser)
        check_without_script(browser)
        check_keyboard(browser)
        check_removal(browser)
        recorded = RecordedPage(browser, viewport={"width": 800, "height": 500})
        page = recorded.page
        page.wait_for_selector("details.sql pre", state="attached", timeout=60_000)
        page.evaluate("window.marker = 1")
        page.locator("#probe-list, #sql-r-4d08b6f2e7a1").first.evaluate("(details) => { details.open = true; }")
        oldest = page.locator("#r-5c1e0a9d3f27 .doc")
        oldest.scroll_into_view_if_needed()
        oldest.select_text()
        selected = page.evaluate("getSelection().toString()")
        expect("nothing is selected", selected)
        expect("nothing is scrolled", page.evaluate("scrollY") > 0)
        position = oldest.bounding_box()["y"]
        before = page.inner_text("#progress")
        page.wait_for_function("(before) => document.querySelector('#progress').innerText !== before", arg=before)
        expect("one running revision", page.locator("li.row.running").count() == 1)
        expect("the selection is lost", page.evaluate("getSelection().toString()") == selected)
        expect("the scroll position has changed", abs(oldest.bounding_box()["y"] - position) < 4)
        expect("an update has closed the details", page.locator("#sql-r-4d08b6f2e7a1").evaluate("(details) => details.open"))
        report_step("migrating")

        page.wait_for_function("() => document.querySelector('h1').innerText === 'Ready'", timeout=60_000)
        page.wait_for_function("() => document.querySelectorAll('li.row.pending').length === 0")
        expect("the page was reloaded", page.evaluate("window.marker") == 1)
        expect("the title", page.title() == "Ready · fastapi-shop")
        expect("the selection is lost", page.evaluate("getSelection().toString()") == selected)
        current = page.locator("li.row.current")
        expect("the current revision", current.get_attribute("id") == "r-4d08b6f2e7a1")
        page.wait_for_selector("#probes .strip rect")
        recorded.check("ready")
        report_step("ready")

        # The page must mark itself as outdated. The browser's message about the failed request is expected.
        page.wait_for_selector("#stale", state="visible", timeout=60_000)
        report_step("gone")
        browser.close()


main()
