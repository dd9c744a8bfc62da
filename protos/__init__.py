"""The contract of everything: `.proto` files with the code generated from them."""
