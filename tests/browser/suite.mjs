// Everything, with one server and one browser. Each file also runs alone: `node --test consent.test.mjs`.

import "./journey.test.mjs";
import "./sign-in.test.mjs";
import "./consent.test.mjs";
import "./logout.test.mjs";
import "./errors.test.mjs";
import "./redirects.test.mjs";
import "./attacks.test.mjs";
import "./keyboard.test.mjs";
import "./account.test.mjs";
import "./demo.test.mjs";
import "./table-api.test.mjs";
import "./layout.test.mjs";
