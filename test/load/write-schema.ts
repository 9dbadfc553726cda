/** Writes the report's published JSON schema: node test/load/write-schema.ts */
import { writeFileSync } from 'node:fs';
import { benchReportSchema } from '../../src/load/report/schema.ts';

writeFileSync('schemas/bench-report.schema.json', `${JSON.stringify(benchReportSchema, null, 2)}\n`);
