// @sendgrid/mail as its documentation has it: client.js HOME FILE URL PER_REQUEST COUNT
const [home, file, url, size, count] = process.argv.slice(2);
const mail = require(`${home}/node_modules/@sendgrid/mail`);
const data = JSON.parse(require("fs").readFileSync(file, "utf8"));

mail.setApiKey("SG.benchmark");
mail.client.setDefaultRequest("baseUrl", `${url}/`);
mail.setSubstitutionWrappers("", "");

async function main() {
  const rows = data.rows.slice(0, Number(count));
  const begun = process.hrtime.bigint();
  for (let first = 0; first < rows.length; first += Number(size)) {
    const personalizations = rows
      .slice(first, first + Number(size))
      .map((row) => ({ to: row.email, substitutions: row.values }));
    const [answer] = await mail.send({
      from: { email: "hello@f3.example", name: "F3 Nation" },
      subject: data.subject,
      text: data.text,
      html: data.html,
      personalizations,
    });
    if (answer.statusCode !== 202) throw new Error(String(answer.statusCode));
  }
  console.log(Number(process.hrtime.bigint() - begun) / 1e9);
}

main();
