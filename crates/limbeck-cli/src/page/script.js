"use strict";
(() => {
  /* Requests the changed parts and updates only these, so that open details, selection and scroll position stay. */
  const stale = document.getElementById("stale");
  let failures = 0;

  const matches = (one, other) =>
    one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id || "") === (other.id || "");

  function update(old, next) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== next.data) old.data = next.data;
      return;
    }
    for (const { name } of [...old.attributes])
      if (!next.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    for (const { name, value } of next.attributes)
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    /* Removed elements go first: moving an element would lose its selection. */
    const kept = new Set([...next.children].map((child) => child.id));
    const named = new Map();
    for (const child of [...old.children]) {
      if (!child.id) continue;
      if (kept.has(child.id)) named.set(child.id, child);
      else child.remove();
    }
    let place = old.firstChild;
    for (const child of [...next.childNodes]) {
      const known = child.id ? named.get(child.id) : place && !place.id && matches(place, child) ? place : null;
      if (!known || !matches(known, child)) {
        old.insertBefore(child, place);
        continue;
      }
      if (known === place) place = place.nextSibling;
      else old.insertBefore(known, place);
      update(known, child);
    }
    while (place) {
      const following = place.nextSibling;
      place.remove();
      place = following;
    }
  }

  async function refresh() {
    try {
      const query = new URLSearchParams(location.search);
      query.set("parts", document.getElementById("revisions").dataset.version);
      const response = await fetch("?" + query, { cache: "no-store", signal: AbortSignal.timeout(5000) });
      if (!response.ok) throw new Error(response.statusText);
      const parts = new DOMParser().parseFromString(await response.text(), "text/html").body.children;
      for (const part of [...parts]) update(document.getElementById(part.id), part);
      document.title = document.getElementById("now").dataset.title;
      failures = 0;
    } catch {
      failures += 1;
    }
    stale.hidden = failures < 2;
    setTimeout(refresh, document.hidden || failures > 5 ? 5000 : 1000);
  }

  setTimeout(refresh, 1000);
})();
