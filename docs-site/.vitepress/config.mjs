import { defineConfig } from "vitepress";

/** The pages in reading order, by their kind. */
const sidebar = [
  {
    text: "Start",
    items: [{ text: "Quick start", link: "/guide/quick-start" }],
  },
  {
    text: "Concepts",
    items: [
      { text: "Accounts and sessions", link: "/guide/authentication" },
      { text: "Security model", link: "/guide/security" },
    ],
  },
  {
    text: "Guides",
    items: [
      { text: "OAuth provider", link: "/guide/oauth-provider" },
      { text: "OpenID Connect", link: "/guide/oidc" },
      { text: "Protecting your API", link: "/guide/protecting-your-api" },
      { text: "MCP servers", link: "/guide/mcp" },
      {
        text: "Client in Rust",
        link: "/guide/client",
        items: [
          { text: "Quick start", link: "/guide/client-quick-start" },
          { text: "Flows", link: "/guide/client-flows" },
          { text: "Storage", link: "/guide/client-storage" },
          { text: "Resilience", link: "/guide/client-resilience" },
          { text: "Errors", link: "/guide/client-errors" },
          { text: "Security", link: "/guide/client-security" },
          { text: "Providers", link: "/guide/client-providers" },
        ],
      },
      { text: "API keys", link: "/guide/api-keys" },
      { text: "Table API", link: "/guide/table-api" },
      { text: "Filters", link: "/guide/filters" },
      { text: "Row-level security", link: "/guide/row-level-security" },
      { text: "Limits", link: "/guide/limits" },
      { text: "Integrations", link: "/guide/integrations" },
      { text: "Operations", link: "/guide/operations" },
      { text: "Troubleshooting", link: "/guide/troubleshooting" },
    ],
  },
  {
    text: "Reference",
    items: [
      { text: "API", link: "/guide/api-reference" },
      { text: "Configuration", link: "/guide/configuration" },
      { text: "Command line", link: "/guide/cli" },
      { text: "Glossary", link: "/guide/glossary" },
    ],
  },
];

export default defineConfig({
  title: "ayb",
  description: "One binary that turns your app into an OAuth 2.0 and OpenID Connect provider.",
  outDir: "dist",
  srcExclude: ["test/**", "README.md"],
  cleanUrls: true,
  // A link that leads nowhere fails the build; the server of the quick start is not there then.
  ignoreDeadLinks: [/^https?:\/\/localhost/],
  themeConfig: { sidebar, outline: [2, 3], search: { provider: "local" } },
});
