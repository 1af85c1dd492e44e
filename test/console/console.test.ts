// One local Azure and one browser serve all three.
import "./browser/pages.ts";
import "./browser/trouble.ts";
import "./browser/never-sent.ts";
