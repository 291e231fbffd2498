//! The declared types are those of the code: checked by `npm run typecheck`, never run.

import * as actual from "../src/index.js";
import type * as declared from "../types/index.js";

export const checked: typeof declared = actual;
