"use strict";
(() => {
  /* Asks for what has changed and changes just that: what is open, selected or scrolled to stays. */
  const stale = document.getElementById("stale");
  let failures = 0;

  const fits = (one, other) =>
    one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id || "") === (other.id || "");

  function become(old, wanted) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== wanted.data) old.data = wanted.data;
      return;
    }
    for (const { name } of [...old.attributes])
      if (!wanted.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    for (const { name, value } of wanted.attributes)
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    /* What is gone goes first: whatever is moved loses its selection. */
    const kept = new Set([...wanted.children].map((child) => child.id));
    const named = new Map();
    for (const child of [...old.children]) {
      if (!child.id) continue;
      if (kept.has(child.id)) named.set(child.id, child);
      else child.remove();
    }
    let place = old.firstChild;
    for (const child of [...wanted.childNodes]) {
      const known = child.id ? named.get(child.id) : place && !place.id && fits(place, child) ? place : null;
      if (!known || !fits(known, child)) {
        old.insertBefore(child, place);
        continue;
      }
      if (known === place) place = place.nextSibling;
      else old.insertBefore(known, place);
      become(known, child);
    }
    while (place) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  }

  async function look() {
    try {
      const query = new URLSearchParams(location.search);
      query.set("parts", document.getElementById("revisions").dataset.version);
      const answer = await fetch("?" + query, { cache: "no-store", signal: AbortSignal.timeout(5000) });
      if (!answer.ok) throw new Error(answer.statusText);
      const parts = new DOMParser().parseFromString(await answer.text(), "text/html").body.children;
      for (const part of [...parts]) become(document.getElementById(part.id), part);
      document.title = document.getElementById("now").dataset.title;
      failures = 0;
    } catch {
      failures += 1;
    }
    stale.hidden = failures < 2;
    setTimeout(look, document.hidden || failures > 5 ? 5000 : 1000);
  }

  setTimeout(look, 1000);
})();
