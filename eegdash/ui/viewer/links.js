// The address of a place: recording by alias, time and page, and nothing about a person.

const SHOWN_FOR_COPYING = "Copy this link: ";

// An address with a place in it; everything else in the address stays. Pure.
export function placeIn(address, { alias, start, pageS }) {
  const url = new URL(address);
  url.searchParams.set("recording", alias);
  url.searchParams.set("t", String(Math.round(start * 10) / 10));
  url.searchParams.set("page", String(pageS));
  return url.toString();
}

// The address of the place alone, as it is passed on. Pure.
export function linkTo(address, place) {
  const url = new URL(address);
  url.search = "";
  url.hash = "";
  return placeIn(url.toString(), place);
}

const placeOf = (desk) => ({ alias: desk.data.recording.alias, start: desk.navigation.start, pageS: desk.navigation.pageS });

// Keep the place in the address bar, without a step of its own in the browser's history.
export function keepPlace(desk) {
  if (!desk.host.isConnected) return;
  const address = placeIn(window.location.href, placeOf(desk));
  if (address !== window.location.href) window.history.replaceState(window.history.state, "", address);
}

export async function copyLink(desk) {
  const link = linkTo(window.location.href, placeOf(desk));
  try {
    await navigator.clipboard.writeText(link);
    desk.say("Link copied: it leads to this page of this recording, and names nobody.");
  } catch {
    // plain HTTP on an intranet has no clipboard
    desk.say(SHOWN_FOR_COPYING + link);
  }
}
