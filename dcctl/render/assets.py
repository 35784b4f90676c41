"""Style sheet and script of the HTML page: inside the page, so that it needs no network. ASCII alone."""

STYLE = """
:root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--soft:#5c6670;--line:#d5dae0;--ok:#0a5fb4;
--warn:#a85a00;--crit:#b03a00;--l1:#d6e6f5;--l2:#93bfe6;--l3:#3f8acb;--l4:#0a4f96;--free:#eef1f4;--idle:#ffd9a0;
--fault:#d9480f}
@media(prefers-color-scheme:dark){:root{--fg:#e4e8ec;--bg:#14181c;--soft:#9aa5b0;--line:#333b44;--ok:#6cb2f2;
--warn:#f0a04b;--crit:#ff8a4c;--l1:#1f3a56;--l2:#2b5f92;--l3:#4b93d6;--l4:#a3d0fb;--free:#232a31;--idle:#8a5a12;
--fault:#ff7a33}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:90rem;background:var(--bg);color:var(--fg);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.3rem;margin:0 0 1rem;white-space:pre-wrap}h2{font-size:1rem;margin:1.5rem 0 .5rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .8rem .2rem 0;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}
td.long{white-space:normal;overflow-wrap:anywhere;max-width:40rem}
th.n,td.n{text-align:right}
th button{all:unset;cursor:pointer;color:var(--soft);font-size:.8rem;font-weight:600}
th button:focus-visible{outline:2px solid var(--ok)}
th[aria-sort=ascending] button::after{content:" \\25B2"}
th[aria-sort=descending] button::after{content:" \\25BC"}
.ok{color:var(--ok)}.warn{color:var(--warn)}.crit{color:var(--crit);font-weight:600}.unknown{color:var(--soft)}
code,pre,svg text{font-family:ui-monospace,monospace}
code{background:var(--free);padding:0 .3em;overflow-wrap:anywhere}
ul{list-style:none;padding:0}
.map{display:flex;flex-wrap:wrap;gap:.5rem 2rem}
.map figure{margin:0}figcaption{font-weight:600;font-size:.8rem}
svg{display:block;max-width:100%;height:auto}svg.key{display:inline-block;vertical-align:-3px}
svg text{font-size:11px;fill:var(--fg)}svg text.sign{font-size:10px;text-anchor:middle}
rect{stroke:var(--line)}
.s-l1{fill:var(--l1)}.s-l2{fill:var(--l2)}.s-l3{fill:var(--l3)}.s-l4{fill:var(--l4)}
.s-free{fill:var(--free)}.s-idle{fill:var(--idle)}.s-fault{fill:var(--fault)}.s-unknown{fill:var(--bg)}
polyline{fill:none;stroke-width:1.5}
.p-measured{stroke:var(--l4)}.p-part{stroke:var(--l2)}.p-forecast{stroke:var(--warn);stroke-dasharray:4 3}
.p-limit{stroke:var(--crit);stroke-dasharray:1 3}.grid{stroke:var(--line)}
footer{margin-top:2rem;color:var(--soft);font-size:.8rem}
@media print{body{padding:0;font-size:11px}th button{color:#000}.scroll{overflow:visible}
td{white-space:normal;overflow-wrap:anywhere}
figure,tr{break-inside:avoid}rect,td,th{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""

SCRIPT = """
document.querySelectorAll("th button").forEach(function (button) {
  button.addEventListener("click", function () {
    var head = button.parentNode, table = head.closest("table"), body = table.tBodies[0];
    var down = head.getAttribute("aria-sort") === "ascending";
    var value = function (row) { return row.cells[head.cellIndex].getAttribute("data-v"); };
    var rows = Array.prototype.slice.call(body.rows);
    rows.sort(function (a, b) {
      var x = value(a), y = value(b);
      if (x === null || y === null) { return (x === null) - (y === null); }
      var order = x !== "" && y !== "" && isFinite(x) && isFinite(y)
        ? x - y : x.localeCompare(y, undefined, {numeric: true});
      return down ? -order : order;
    });
    table.querySelectorAll("th").forEach(function (each) { each.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    rows.forEach(function (row) { body.appendChild(row); });
  });
});
"""
