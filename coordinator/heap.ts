/**
 * How far the heap may grow between collections. V8 lets it double, and a burst of reports would leave a coordinator
 * with many steps twice as large as what it holds; collecting more often costs a few percent of its time.
 */

import { setFlagsFromString } from "node:v8";

setFlagsFromString("--heap-growing-percent=25");
