/** VitePress' own theme without its fonts: the reader's system has some. */
import theme from "vitepress/theme-without-fonts";
import "./style.css";

export default theme;
