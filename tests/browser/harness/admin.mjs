// The administrator, by the API.

export class Admin {
  #origin;
  #token;

  static async signIn(server) {
    const admin = new Admin();
    admin.#origin = server.origin;
    const { token } = await admin.#post("/api/admin/auth", { password: server.adminPassword });
    admin.#token = token;
    return admin;
  }

  /** Registers an app with one client: its identifier, its secret and the names that pages show. */
  async register({ app, client }) {
    const { id: appId } = await this.#post("/api/admin/apps", app);
    const { client: made, clientSecret } = await this.#post("/api/admin/oauth/clients", { appId, ...client });
    return { id: made.clientId, secret: clientSecret, name: client.name, app };
  }

  async #post(path, body) {
    const headers = { "content-type": "application/json" };
    if (this.#token) headers.authorization = `Bearer ${this.#token}`;
    const response = await fetch(this.#origin + path, { method: "POST", headers, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }
}
