// The review desk: one time axis from the whole recording to the raw traces. Python sends facts
// and addresses once; panning, paging and the threshold happen here, decisions go back.

import { Desk } from "./desk.js";

const desks = new WeakMap();

// Called by the component's loader whenever Python's data change; the elements are kept.
export function update(component) {
  let desk = desks.get(component.parentElement);
  if (!desk) {
    desk = new Desk(component);
    desks.set(component.parentElement, desk);
  }
  desk.receive(component);
}
