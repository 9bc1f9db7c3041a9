// The form of the identity provider: rows of rules.
import { rows } from "./rules.js";

rows();
