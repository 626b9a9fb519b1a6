// Not a test: measures a phone's first visit by Lighthouse. Run by `just lighthouse`.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect, test } from './test.js';

const RUNS = 3;
const MAX_TRANSFERRED_KB = 300;

const lighthouse = fileURLToPath(new URL('lighthouse/node_modules/.bin/lighthouse', import.meta.url));

/** The minimum of each Lighthouse score, out of 100. */
const TARGETS = { performance: 95, accessibility: 95, 'best-practices': 95, seo: 95 };
type Category = keyof typeof TARGETS;
const CATEGORIES = Object.keys(TARGETS) as Category[];

/** The used part of Lighthouse's report. */
type Report = {
  categories: Record<Category, { score: number | null }>;
  audits: Record<string, { score: number | null; numericValue?: number }>;
};

type Visit = Record<Category, number> & { lcp: number; cls: number; tbt: number; kilobytes: number };

for (const path of ['/', '/products/1']) {
  test(path, async ({ server, launchOptions }) => {
    const visits: Visit[] = [];
    for (let run = 0; run < RUNS; run++) {
      const visit = await visitPage(server.url + path, launchOptions);
      visits.push(visit);
      console.log(line(`${path} ${run + 1}`, visit));
    }
    // The performance varies between runs, so the median counts.
    visits.sort((one, other) => one.performance - other.performance);
    const visit = visits[(RUNS - 1) / 2]!;
    console.log(line(`${path} median`, visit));
    for (const category of CATEGORIES) {
      expect.soft(visit[category], category).toBeGreaterThanOrEqual(TARGETS[category]);
    }
    expect.soft(visit.kilobytes, 'transferred kB').toBeLessThanOrEqual(MAX_TRANSFERRED_KB);
  });
}

/** The first visit of a phone, with an empty cache. */
async function visitPage(
  url: string,
  { executablePath, args = [] }: { executablePath?: string; args?: string[] },
): Promise<Visit> {
  const options = [
    '--output=json',
    '--quiet',
    `--only-categories=${CATEGORIES}`,
    `--chrome-flags=${['--headless', ...args].join(' ')}`,
  ];
  const { stdout } = await promisify(execFile)(lighthouse, [url, ...options], {
    env: { ...process.env, CHROME_PATH: executablePath },
    maxBuffer: 64 * 1024 * 1024,
  });
  return summary(JSON.parse(stdout));
}

function summary({ categories, audits }: Report): Visit {
  const score = (category: Category) => Math.round((categories[category].score ?? 0) * 100);
  const measured = (audit: string) => audits[audit]!.numericValue!;
  return {
    performance: score('performance'),
    accessibility: score('accessibility'),
    'best-practices': score('best-practices'),
    seo: score('seo'),
    lcp: measured('largest-contentful-paint'),
    cls: measured('cumulative-layout-shift'),
    tbt: measured('total-blocking-time'),
    kilobytes: measured('total-byte-weight') / 1000,
  };
}

function line(name: string, visit: Visit): string {
  const scores = CATEGORIES.map((category) => `${category} ${visit[category]}`).join(', ');
  const { lcp, cls, tbt, kilobytes } = visit;
  return `${name.padEnd(20)} ${scores}; LCP ${(lcp / 1000).toFixed(2)} s, CLS ${cls.toFixed(3)}, TBT ${tbt.toFixed(0)} ms, ${kilobytes.toFixed(1)} kB`;
}
