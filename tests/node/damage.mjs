// Changes a closed database by SQL, as a bad disk or an older version could have left it.
//
//   node damage.mjs <database> <sql>
//
// Prints how many rows changed, as JSON.

import { DatabaseSync } from "node:sqlite";

const [file, sql] = process.argv.slice(2);
const database = new DatabaseSync(file);
const { changes } = database.prepare(sql).run();
database.close();
console.log(JSON.stringify({ changes: Number(changes) }));
