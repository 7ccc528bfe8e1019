import { expect, test } from "vitest";
import { Cursor, WrongShape } from "./cursor.ts";

const object = new Cursor(JSON.parse('{"a":{"b/c":[{"~":"x"}],"n":1,"nil":null},"__proto__":{"evil":true}}'));

test("a pointer escapes what RFC 6901 escapes", () => {
  expect(object.at("a", "b/c", 0, "~").pointer).toBe("/a/b~1c/0/~0");
  expect(object.text("a", "b/c", 0, "~")).toBe("x");
});

test("null and absent are the same, at any depth", () => {
  expect(object.at("a", "nil", "deeper", 3).exists).toBe(false);
  expect(object.list("a", "nil")).toEqual([]);
  expect(object.number("nothing", "here")).toBeUndefined();
});

test("inherited properties are not there", () => {
  expect(new Cursor({}).at("constructor").exists).toBe(false);
  expect(new Cursor({}).at("toString").exists).toBe(false);
});

test.each([
  ["a number read as text", () => object.text("a", "n"), "/a/n"],
  ["a step through a number", () => object.at("a", "n", "x"), "/a/n"],
  ["a list read as an object", () => object.keys("a", "b/c"), "/a/b~1c"],
  ["an object read as a list", () => object.list("a"), "/a"],
  ["a text that is no time", () => new Cursor({ t: "soon" }).moment("t"), "/t"],
])("%s throws with the pointer of what is wrong", (_, read, pointer) => {
  expect(read).toThrow(WrongShape);
  expect(read).toThrow(pointer);
});
