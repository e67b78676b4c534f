// nodemailer's pool as its documentation has it: client.js HOME FILE PORT COUNT
const [home, file, port, count] = process.argv.slice(2);
const nodemailer = require(`${home}/node_modules/nodemailer`);
const data = JSON.parse(require("fs").readFileSync(file, "utf8"));
const fill = (pieces, values) =>
  pieces.map((piece) => (typeof piece === "string" ? piece : values[piece])).join("");

async function main() {
  const pool = nodemailer.createTransport({
    pool: true,
    host: "127.0.0.1",
    port: Number(port),
    secure: false,
    ignoreTLS: true,
    maxMessages: Infinity,
  });
  const rows = data.rows.slice(0, Number(count));
  const begun = process.hrtime.bigint();
  const used = process.cpuUsage();
  await Promise.all(
    rows.map((row) =>
      pool.sendMail({
        from: "F3 Nation <hello@f3.example>",
        replyTo: "team@f3.example",
        to: row.email,
        subject: fill(data.subject, row.values),
        text: fill(data.text, row.values),
        html: fill(data.html, row.values),
        list: { unsubscribe: `https://example.org/u?t=${row.values[row.values.length - 1]}` },
      }),
    ),
  );
  pool.close();
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  const cpu = process.cpuUsage(used);
  console.log(seconds, (cpu.user + cpu.system) / 1e6);
}

main();
