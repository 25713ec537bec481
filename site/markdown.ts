/** What this site does to Markdown beyond VitePress: drawings for both themes, framed tables. */
import type { MarkdownRenderer } from "vitepress";
import { themedName } from "./drawings.ts";
import { FILES } from "./links.ts";

/** Vue would take double braces for code, such as those of helm's templates. */
function withoutBraces(html: string): string {
  return html.replaceAll("{{", "&#123;&#123;").replaceAll("}}", "&#125;&#125;");
}

export function ourMarkdown(md: MarkdownRenderer): void {
  const { fence, image, text } = md.renderer.rules;
  md.renderer.rules.text = (tokens, index, options, env, self) =>
    withoutBraces(text?.(tokens, index, options, env, self) ?? md.utils.escapeHtml(tokens[index]?.content ?? ""));
  md.renderer.rules.image = (tokens, index, options, env, self) => {
    const token = tokens[index];
    const source = token?.attrGet("src") ?? "";
    if (token === undefined || !source.startsWith(`/${FILES}/`) || !source.endsWith(".svg")) {
      return image?.(tokens, index, options, env, self) ?? "";
    }
    const words = md.utils.escapeHtml(token.content);
    const shown = (["light", "dark"] as const).map(
      (theme) => `<img class="in-${theme}" src="${themedName(source, theme)}" alt="${words}">`,
    );
    return `<span class="drawing" style="display:block">${shown.join("")}</span>`;
  };
  // Code that is only indented gets the same frame as all other.
  md.renderer.rules.code_block = (tokens, index, options, env, self) => {
    const token = tokens[index];
    if (token !== undefined) token.info = "text";
    return fence?.(tokens, index, options, env, self) ?? "";
  };
  md.renderer.rules["table_open"] = () => '<div class="table"><table>\n';
  md.renderer.rules["table_close"] = () => "</table></div>\n";
}
