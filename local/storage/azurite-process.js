// Storage's process: Azurite's own program, after what of ours counts its requests, asks for roles at its ports
// and keeps its rows.
import "./exit-with-parent.js";
import "./count-requests.js";
import "./enforce-roles.js";
import "./row-collection.js";
import "azurite/dist/src/azurite.js";
