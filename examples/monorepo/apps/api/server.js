// The catalogue: asks the pricing service once, at its start, and serves what it was told.
"use strict";

const http = require("node:http");

const { PORT, PRICING_URL, SHOP_NAME, PAGE_SIZE } = process.env;

async function main() {
  const prices = await (await fetch(`${PRICING_URL}/prices`)).json();
  const products = Object.entries(prices).slice(0, Number(PAGE_SIZE));

  const server = http.createServer((request, response) => {
    if (request.url === "/health") {
      response.end("ok\n");
    } else if (request.url === "/products") {
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify({ shop: SHOP_NAME, products: Object.fromEntries(products) }) + "\n");
    } else {
      response.statusCode = 404;
      response.end("not here\n");
    }
  });
  server.listen(Number(PORT), "127.0.0.1", () => console.log(`${products.length} products on port ${PORT}`));
}

main();
