import assert from "node:assert/strict";
import { test } from "node:test";

import { linkTo, placeIn } from "../../eegdash/ui/viewer/links.js";

const PLACE = { alias: "rec-0123abcd", start: 1234.5000001, pageS: 10 };

test("a place is put into the address, and what else is there stays", () => {
  assert.equal(placeIn("http://a:8501/review", PLACE), "http://a:8501/review?recording=rec-0123abcd&t=1234.5&page=10");
  assert.equal(placeIn("http://a/review?recording=rec-00000000&embed=true&t=3#x", PLACE), "http://a/review?recording=rec-0123abcd&embed=true&t=1234.5&page=10#x");
});

test("a link that is passed on carries the place alone", () => {
  assert.equal(linkTo("https://a/x/review?embed=true&name=Jane#y", PLACE), "https://a/x/review?recording=rec-0123abcd&t=1234.5&page=10");
});
