/** As many zeros as a currency has decimals at most, plus one for the digit before the point. */
const ZEROS = '0'.repeat(37)

/**
 * Returns the SQL that splits an amount in a column's JSON. The amount is stored as
 * `#10000 eip155:4217/erc20:0x… 6 iso4217:USD pathUSD` (`amounts.ts`), or as an object if a name in it contains a space.
 */
function amounts(name: string, text: string): string {
  return `
    ${name}_whole AS (SELECT place, ${text} AS packed FROM payments),
    ${name}_value AS (SELECT place, packed,
      CASE json_valid(packed) AND substr(packed, 1, 1) = '{' WHEN 1 THEN json_extract(packed, '$.value') ELSE packed END AS text,
      substr(packed, instr(packed, ' ') + 1) AS rest FROM ${name}_whole),
    ${name}_place AS (SELECT place, packed, rtrim(substr(text, 2, instr(text || ' ', ' ') - 2)) AS value, rest,
      substr(rest, instr(rest, ' ') + 1) AS rest2 FROM ${name}_value),
    ${name}_parts AS (SELECT place, value,
      CASE substr(packed, 1, 1) WHEN '{' THEN json_extract(packed, '$.currency.id')
        ELSE substr(rest, 1, instr(rest, ' ') - 1) END AS currency,
      CASE substr(packed, 1, 1) WHEN '{' THEN json_extract(packed, '$.currency.decimals')
        ELSE CAST(rest2 AS INTEGER) END AS decimals,
      CASE substr(packed, 1, 1) WHEN '{' THEN json_extract(packed, '$.currency.symbol')
        ELSE substr(substr(rest2, instr(rest2, ' ') + 1), instr(substr(rest2, instr(rest2, ' ') + 1), ' ') + 1) END AS symbol
      FROM ${name}_place),
    ${name} AS (SELECT place, currency, symbol, ${decimal('value', 'decimals')} AS amount FROM ${name}_parts)`
}

/** Returns the SQL that formats a count of smallest units as a plain decimal number with all decimals. */
function decimal(value: string, decimals: string): string {
  const padded = `(substr('${ZEROS}', 1, max(0, ${decimals} + 1 - length(${value}))) || ${value})`
  return `CASE ${decimals} WHEN 0 THEN ${value}
    ELSE substr(${padded}, 1, length(${padded}) - ${decimals}) || '.' || substr(${padded}, length(${padded}) - ${decimals} + 1) END`
}

const time = (ms: string): string => `strftime('%Y-%m-%dT%H:%M:%fZ', ${ms} / 1000.0, 'unixepoch')`

/**
 * Views for people who read a ledger with the sqlite3 shell. They are documented in docs/ledger.md. Purser itself does
 * not read them.
 *
 * - `payment_amounts`: one row for each payment, with decimal amounts.
 * - `budget_sums`: the sums of each counter, by the moment for which they count.
 */
export const VIEWS = `
  CREATE VIEW payment_amounts AS WITH ${[
    amounts('price', "json_extract(core, '$.terms.most')"),
    amounts(
      'moved',
      `coalesce(json_extract(body, '$.spent'), CASE WHEN state = 'settled' AND json_array_length(core, '$.charges') = 1
        THEN json_extract(core, '$.terms.most') END)`,
    ),
    amounts('fees', "json_extract(body, '$.fee')"),
  ].join(',')}
  SELECT p.id, ${time('p.created')} AS created, p.agent, json_extract(p.core, '$.context.tasks[0]') AS task, p.vendor,
    json_extract(p.core, '$.resource.operation') AS operation, p.state,
    json_extract(p.body, '$.delivered') AS delivered, json_extract(p.core, '$.terms.kind') AS kind,
    json_extract(p.core, '$.terms.network') AS network, price.amount AS price, moved.amount AS spent, price.symbol,
    price.currency, fees.amount AS fee, fees.symbol AS fee_symbol, fees.currency AS fee_currency,
    json_extract(p.body, '$.proof') AS proof, json_extract(p.body, '$.reference') AS reference,
    coalesce(json_extract(p.body, '$.reason'), '') AS reason
  FROM payments p JOIN price USING (place) JOIN moved USING (place) JOIN fees USING (place) ORDER BY p.place;
  CREATE VIEW budget_sums AS
  SELECT json_extract(c.key, '$[0]') AS counts, json_extract(c.key, '$[1]') AS window, ${time('b.at')} AS at,
    CASE json_extract(c.key, '$[0]') WHEN 'payments' THEN CAST(b.counted AS TEXT)
      ELSE ${decimal('CAST(b.counted AS TEXT)', '9')} END AS counted, json_extract(c.key, '$[2]') AS scope
  FROM buckets b JOIN counters c ON c.n = b.counter ORDER BY b.counter, b.at;
`
