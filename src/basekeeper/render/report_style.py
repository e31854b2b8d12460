"""How a report looks: on screens of any width, light and dark, and on paper."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root {
  color-scheme: light dark;
  --page: #ffffff; --ink: #1c2430; --soft: #566173; --line: #d5dbe4; --panel: #f4f6f9;
  --good: #1f6fb5; --late: #c77d00; --bad: #b3261e; --rest: #8a94a6; --mark: #1c2430;
  --good-ink: #0f4c81; --late-ink: #7a4d00; --bad-ink: #8c1d18; --warn: #fff6e0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14181f; --ink: #e6eaf0; --soft: #a3adbb; --line: #343d4a; --panel: #1d232d;
    --good: #4f9fe6; --late: #e0a030; --bad: #ef6a60; --rest: #768196; --mark: #e6eaf0;
    --good-ink: #8cc4f7; --late-ink: #f0c070; --bad-ink: #ff9d95; --warn: #33290f;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1.5rem; max-width: 76rem; background: var(--page); color: var(--ink);
  font: 15px/1.45 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif;
  overflow-wrap: anywhere;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 {
  font-size: 1.25rem; margin: 2.2rem 0 .6rem; padding-bottom: .25rem;
  border-bottom: 2px solid var(--line);
}
h3 { font-size: 1.08rem; margin: 1.6rem 0 .5rem; }
h4 { font-size: .95rem; margin: 1.1rem 0 .35rem; }
p { margin: .4rem 0; }
code, .mono { font: .86em/1.4 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.soft { color: var(--soft); }
.small { font-size: .86rem; }
.lead { font-size: 1.05rem; }
.statement { border-left: 4px solid var(--rest); padding: .2rem .8rem; color: var(--soft); }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .8rem 0; }
.facts dt { color: var(--soft); }
.facts dt strong { color: var(--ink); }
.facts dd { margin: 0; min-width: 0; }
.tiles {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .7rem;
  margin: 1.1rem 0;
}
.tile { background: var(--panel); border: 1px solid var(--line); border-radius: 8px;
  padding: .6rem .8rem; }
.tile b { display: block; font-size: 1.65rem; line-height: 1.2; font-weight: 650; }
.tile span { color: var(--soft); font-size: .86rem; }
.warn { background: var(--warn); border: 1px solid var(--late); border-radius: 8px;
  padding: .6rem 1rem; margin: 1rem 0; }
.warn h2 { border: 0; margin: 0 0 .3rem; padding: 0; font-size: 1.05rem; }
.warn ul { margin: .2rem 0; padding-left: 1.2rem; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr));
  gap: 1rem; }
.panel { border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; min-width: 0;
  break-inside: avoid; }
.panel.wide { grid-column: 1 / -1; }
.panel h3 { margin: 0 0 .2rem; }
.bars { display: grid; grid-template-columns: minmax(4.5rem, max-content) minmax(0, 1fr);
  gap: .35rem .8rem;
  align-items: center; margin: .7rem 0; }
.bars .value { grid-column: 2; margin-top: -.3rem; color: var(--soft); font-size: .86rem; }
.bars svg { display: block; width: 100%; height: 18px; }
.bars .none { color: var(--soft); font-size: .86rem; }
.lines { grid-template-columns: 1fr; }
.lines .value { grid-column: 1; }
.axis { display: flex; justify-content: space-between; color: var(--soft); font-size: .8rem; }
.plot { display: grid; grid-template-columns: max-content minmax(0, 1fr);
  gap: 0 .5rem; margin: .6rem 0; }
.plot .scale { display: flex; flex-direction: column; justify-content: space-between;
  text-align: right; color: var(--soft); font-size: .8rem; line-height: 1; }
.plot svg { display: block; width: 100%; height: 150px; border-bottom: 1px solid var(--line);
  border-left: 1px solid var(--line); }
.plot .axis { grid-column: 2; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .84rem; color: var(--soft); }
.legend svg { width: .8rem; height: .8rem; vertical-align: -1px; margin-right: .3rem; }
.f-good { fill: var(--good); } .f-late { fill: var(--late); } .f-bad { fill: var(--bad); }
.f-rest { fill: var(--rest); } .f-panel { fill: var(--panel); } .f-mark { fill: var(--mark); }
.grid { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
.limit { stroke: var(--mark); stroke-width: 2; stroke-dasharray: 4 3;
  vector-effect: non-scaling-stroke; }
.reach { stroke: var(--rest); stroke-width: 3; vector-effect: non-scaling-stroke; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0 .8rem; font-size: .88rem; }
caption { text-align: left; color: var(--soft); padding: .2rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem;
  border-bottom: 1px solid var(--line); }
th { overflow-wrap: normal; }
thead th { background: var(--panel); font-weight: 600; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
td .mono { color: var(--soft); }
.line { display: block; }
.t { white-space: nowrap; font-variant-numeric: tabular-nums; }
.chip { display: inline-block; border: 1px solid currentColor; border-radius: 99px;
  padding: 0 .55em; font-size: .82rem; white-space: nowrap; }
.good { color: var(--good-ink); } .late { color: var(--late-ink); } .bad { color: var(--bad-ink); }
.trend td, .trend th { padding: .12rem .5rem; }
.signs { columns: 2 22rem; }
.foot { margin-top: 2rem; border-top: 1px solid var(--line); padding-top: .6rem; }
nav ol { margin: .3rem 0; padding-left: 1.4rem; columns: 3 14rem; }
a { color: var(--good-ink); }
@media screen and (min-width: 74rem) {
  .cards td:not(.n) { min-width: 5.2rem; }
  .cards td:not(.n):first-child { min-width: 11.5rem; }
}
@media screen and (max-width: 74rem) {
  .t { white-space: normal; }
}
@media screen and (max-width: 58rem) {
  body { padding: .9rem; }
  .facts { grid-template-columns: 1fr; gap: 0; }
  .facts dd { margin-bottom: .45rem; }
  table.cards, .cards tbody, .cards tr, .cards td, .cards caption { display: block; }
  .cards thead { display: none; }
  .cards tr { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0;
    padding: .2rem .5rem; }
  .cards td { border: 0; padding: .2rem 0; }
  .cards td[data-label]::before { content: attr(data-label); display: block;
    color: var(--soft); font-size: .78rem; }
  .cards td:empty { display: none; }
  .trend th { overflow-wrap: anywhere; }
}
@media print {
  :root {
    color-scheme: light;
    --page: #ffffff; --ink: #000000; --soft: #444c58; --line: #c4cbd6; --panel: #f1f3f6;
    --good: #1f6fb5; --late: #c77d00; --bad: #b3261e; --rest: #8a94a6; --mark: #000000;
    --good-ink: #0f4c81; --late-ink: #7a4d00; --bad-ink: #8c1d18; --warn: #fff6e0;
  }
  @page {
    size: A4; margin: 16mm 14mm 18mm;
    @bottom-left { content: "basekeeper report"; font: 8pt sans-serif; color: #444c58; }
    @bottom-right { content: "page " counter(page) " of " counter(pages);
      font: 8pt sans-serif; color: #444c58; }
  }
  @page detail { size: A4 landscape; margin: 13mm 12mm 15mm; }
  .detail { page: detail; }
  body { max-width: none; padding: 0; font-size: 9pt; line-height: 1.35; }
  h2 { margin-top: 1.2rem; }
  .tiles { grid-template-columns: repeat(6, 1fr); gap: .4rem; }
  .tile { padding: .4rem .5rem; }
  .tile b { font-size: 1.25rem; }
  .panels { gap: .6rem; }
  .panel { padding: .5rem .7rem; }
  .plot svg { height: 100px; }
  svg, .chip, thead th, .tile, .warn { -webkit-print-color-adjust: exact;
    print-color-adjust: exact; }
  thead { display: table-header-group; }
  tr, .tile, .warn { break-inside: avoid; }
  h2, h3, h4, caption { break-after: avoid; }
  .chapter { break-before: page; }
  nav { display: none; }
  table { font-size: 7.5pt; }
  th, td { padding: .2rem .35rem; }
  .panels { grid-template-columns: 1fr 1fr; }
}
"""
"""One style sheet, without anything that has to be fetched. Colours tell nothing that the text
beside them does not."""
