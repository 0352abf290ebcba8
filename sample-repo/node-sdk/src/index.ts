/** A relation as the server's API takes it. */
export interface Relation {
  principal: string;
  relation: string;
  object: string;
}

/** Talks to the control plane's server. */
export class Client {
  constructor(private readonly base: string) {}

  /** The address of a path of the API. */
  address(path: string): string {
    return new URL(path, this.base).toString();
  }

  /** Whether the server answers. */
  async healthy(): Promise<boolean> {
    const response = await fetch(this.address("/health"));
    return response.ok;
  }
}
